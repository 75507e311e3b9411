"""The daemon's side of the keepers: starting them through the zygote, adopting those of an earlier daemon, talking.

Everything here belongs to the daemon's event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import secrets
import socket
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wirt.errors import InvalidInput, RuntimeFailure
from wirt.keeper import channel, zygote
from wirt.keeper.keeper import MAIN, SOCKET_FILE
from wirt.model.launch import LogOptions, Plan
from wirt.model.wire import AttachOptions

__all__ = ["Keepers", "Link", "OpenOrder", "StartRefused", "parse_detach_keys"]

_MOST_REPLIES = 4096  # to one order, that nobody has looked at yet
_DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q"


class StartRefused(Exception):  # noqa: N818 - turned into StartFailed by the runtime that can read the text
    """The plan's program failed; ``text`` are its own words."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclasses.dataclass(slots=True, eq=False)
class OpenOrder:
    """An order that a guest's processes are told of as long as it is open.

    ``replies``: the process by the host's number, and what it says; None when it will say no more. Pid 0: nobody will.
    """

    id: str
    given: asyncio.Future[None]
    replies: asyncio.Queue[tuple[int, dict[str, Any] | None]]


class Link:
    """The control channel to one keeper."""

    def __init__(
        self, guest_id: str, sock: socket.socket, on_exit: Callable[[str, int], None], on_lost: Callable[[str], None]
    ) -> None:
        self.guest_id = guest_id
        self.keeper_pid = 0
        self.started = 0.0  # when the guest of an adopted keeper did
        self.outcome: dict[str, Any] | None = None  # how it had ended when the keeper said hello
        self.hello: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._sock = sock
        self._on_exit = on_exit
        self._on_lost = on_lost
        self._launching: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._starts: dict[str, asyncio.Future[int]] = {}
        self._exits: dict[str, asyncio.Future[int]] = {}
        self._orders: dict[str, OpenOrder] = {}
        self._closed = False
        sock.setblocking(False)
        asyncio.get_running_loop().add_reader(sock.fileno(), self._on_ready)

    # -- requests ----------------------------------------------------------------------------------

    async def start(self, plan: Plan, log: LogOptions, *, open_stdin: bool, size: tuple[int, int]) -> int:
        """Run the guest; returns its pid. ``StartRefused`` when the plan's program failed."""
        started = self._expect_start(MAIN)
        self._send(
            op="start",
            plan=dataclasses.asdict(plan),
            log=dataclasses.asdict(log),
            open_stdin=open_stdin,
            rows=size[0],
            cols=size[1],
        )
        return await started

    async def running_pid(self) -> int:
        """The pid of the guest of an adopted keeper, 0 when it has ended; waits for a start that is under way."""
        hello = await self.hello
        if hello["state"] == "launching":
            return await self._launching
        return int(hello["pid"]) if hello["state"] == "running" else 0

    def attach(self, sock: socket.socket, options: AttachOptions, *, stdin_once: bool) -> None:
        """Hand a client's connection over; the keeper speaks with it from now on, and our copy is closed."""
        with sock:
            self._send(
                op="attach", program=MAIN, options=_client_options(options, stdin_once=stdin_once), fds=[sock.fileno()]
            )

    async def exec(
        self, exec_id: str, plan: Plan, *, open_stdin: bool, client: socket.socket | None, options: AttachOptions
    ) -> int:
        """Run a further program; returns its pid. Its end can be awaited with ``exec_exit``."""
        started = self._expect_start(exec_id)
        self._exits[exec_id] = asyncio.get_running_loop().create_future()
        self._send(
            op="exec",
            program=exec_id,
            plan=dataclasses.asdict(plan),
            open_stdin=open_stdin,
            rows=options.rows,
            cols=options.cols,
            options=_client_options(options, stdin_once=True),
            fds=[client.fileno()] if client else [],
        )
        if client:
            client.close()
        return await started

    async def exec_exit(self, exec_id: str) -> int:
        try:
            return await self._exits[exec_id]
        finally:
            self._exits.pop(exec_id, None)

    def forget_exec(self, exec_id: str) -> None:
        """Nobody will wait for it."""
        self._exits.pop(exec_id, None)

    def signal(self, signal: str, program: str = MAIN) -> None:
        self._send(op="signal", program=program, signal=signal)

    def resize(self, rows: int, columns: int) -> None:
        self._send(op="resize", program=MAIN, rows=rows, cols=columns)

    def order(self, name: str, arguments: dict[str, Any], fds: Sequence[int] = ()) -> OpenOrder:
        """Open an order for the guest's monitors; ``given`` is done when kicked processes will see it.

        ``fds`` (four at most) remain the caller's. It is open until ``revoke``, or until the guest ends.
        """
        given = asyncio.get_running_loop().create_future()
        order = OpenOrder(secrets.token_hex(8), given, asyncio.Queue(_MOST_REPLIES))
        self._send(op="order", order=order.id, name=name, arguments=arguments, fds=list(fds))
        self._orders[order.id] = order
        return order

    def revoke(self, order: OpenOrder) -> None:
        """Nobody is told of it any more, nor listened to."""
        if self._orders.pop(order.id, None) is not None:
            with contextlib.suppress(RuntimeFailure):
                self._send(op="revoke", order=order.id)

    def finish(self, code: int, error: dict[str, Any] | None = None, program: str = MAIN) -> None:
        """The end of ``program`` is booked: attached clients may be told."""
        with contextlib.suppress(RuntimeFailure):
            self._send(op="finish", program=program, code=code, error=json.dumps(error) if error else "")

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            asyncio.get_running_loop().remove_reader(self._sock.fileno())
            self._sock.close()

    # -- answers -----------------------------------------------------------------------------------

    def _expect_start(self, program: str) -> asyncio.Future[int]:
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._starts[program] = future
        return future

    def _send(self, *, fds: list[int] | None = None, **message: Any) -> None:
        gone = f"the keeper of guest {self.guest_id[:12]} is gone"
        if self._closed:
            raise RuntimeFailure(gone)
        try:
            channel.send(self._sock, message, fds or [])
        except (channel.Closed, BlockingIOError) as error:
            raise RuntimeFailure(gone) from error

    def _on_ready(self) -> None:
        try:
            message, fds = channel.receive(self._sock)
        except BlockingIOError:
            return
        except channel.Closed:
            self._lost()
            return
        for fd in fds:
            os.close(fd)
        program = message.get("program", MAIN)
        match message["event"]:
            case "hello":
                self.keeper_pid = message["keeper_pid"]
                self.started = message["started"]
                self.outcome = message["outcome"]
                if message["state"] == "launching":
                    # Now, not when somebody asks: the news of it may be in the very next packet.
                    self._launching = self._expect_start(MAIN)
                if not self.hello.done():
                    self.hello.set_result(message)
            case "started":
                self._resolve(self._starts, program, message["pid"])
            case "failed":
                self._refuse(program, message["text"])
            case "ordered":
                if (order := self._orders.get(message["order"])) and not order.given.done():
                    order.given.set_result(None)
            case "reply":
                if order := self._orders.get(message["order"]):
                    with contextlib.suppress(asyncio.QueueFull):  # a guest that babbles
                        order.replies.put_nowait((message["pid"], message["reply"]))
            case "exited" if program == MAIN:
                self._on_exit(self.guest_id, message["code"])
            case "exited":
                self._resolve(self._exits, program, message["code"], keep=True)

    def _resolve(
        self, futures: dict[str, asyncio.Future[int]], program: str, value: int, *, keep: bool = False
    ) -> None:
        future = futures.get(program) if keep else futures.pop(program, None)
        if future is not None and not future.done():
            future.set_result(value)

    def _refuse(self, program: str, text: str) -> None:
        self._exits.pop(program, None)
        future = self._starts.pop(program, None)
        if future is not None and not future.done():
            future.set_exception(StartRefused(text))

    def _lost(self) -> None:
        """The keeper is gone: after a finish that is how it should be, before it is a fault the owner must mend."""
        self.close()
        gone = RuntimeFailure(f"the keeper of guest {self.guest_id[:12]} ended")
        orders = list(self._orders.values())
        waiting: list[asyncio.Future[Any]] = [self.hello, *self._starts.values(), *self._exits.values()]
        waiting += [order.given for order in orders]
        for future in waiting:
            if not future.done():
                future.set_exception(gone)
                future.exception()  # whoever waits sees it; that nobody waits is no fault
        for order in orders:
            with contextlib.suppress(asyncio.QueueFull):
                order.replies.put_nowait((0, None))
        self._orders.clear()
        self._starts.clear()
        self._on_lost(self.guest_id)


class Keepers:
    """All links, and the zygote. ``on_exit(guest_id, code)`` and ``on_lost(guest_id)`` run in the event loop."""

    def __init__(self, on_exit: Callable[[str, int], None], on_lost: Callable[[str], None]) -> None:
        self._on_exit = on_exit
        self._on_lost = on_lost
        self._links: dict[str, Link] = {}
        self._zygote: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None
        self._micro = False

    def start(self, *, micro: bool = False) -> None:
        """Start the zygote; also when the last one died. ``micro``: there will be micro guests, it may prepare."""
        self.stop()
        self._micro = micro
        self._start_zygote()

    def _start_zygote(self) -> None:
        self._zygote, self._requests = zygote.spawn()
        if self._micro:
            channel.send(self._requests, {"preload": True})

    def stop(self) -> None:
        """End the zygote and let go of all keepers; they and their guests go on."""
        for link in list(self._links.values()):
            link.close()
        self._links.clear()
        if self._requests is not None:
            self._requests.close()
        if self._zygote is not None:
            self._zygote.wait()
        self._zygote = self._requests = None

    @property
    def zygote_pid(self) -> int:
        return self._zygote.pid if self._zygote else 0

    def get(self, guest_id: str) -> Link | None:
        return self._links.get(guest_id)

    def spawn(self, guest_id: str, guest_dir: Path, run_dir: Path, *, platform: str = "") -> Link:
        """A new keeper; it takes requests at once, though it may still be on its way. ``platform``: a micro guest's."""
        with contextlib.suppress(FileNotFoundError):
            (run_dir / SOCKET_FILE).unlink()
        ours, theirs = channel.pair()
        request = {"guest_dir": str(guest_dir), "run_dir": str(run_dir), "platform": platform}
        with theirs:
            try:
                self._ask(request, theirs)
            except channel.Closed:
                # The zygote was killed. Another one is quickly made.
                self._restart_zygote()
                self._ask(request, theirs)
        return self._add(guest_id, ours)

    async def adopt(self, guest_id: str, run_dir: Path) -> Link | None:
        """Connect to a keeper that an earlier daemon left; None when there is none."""
        try:
            sock = channel.connect(str(run_dir / SOCKET_FILE))
        except OSError:
            return None
        link = self._add(guest_id, sock)
        try:
            await asyncio.wait_for(link.hello, timeout=5)
        except (RuntimeFailure, TimeoutError):
            self.drop(guest_id)
            return None
        return link

    def drop(self, guest_id: str) -> None:
        if (link := self._links.pop(guest_id, None)) is not None:
            link.close()

    def _add(self, guest_id: str, sock: socket.socket) -> Link:
        self.drop(guest_id)
        link = self._links[guest_id] = Link(guest_id, sock, self._on_exit, self._link_lost)
        return link

    def _link_lost(self, guest_id: str) -> None:
        self._links.pop(guest_id, None)
        self._on_lost(guest_id)

    def _ask(self, request: dict[str, Any], control: socket.socket) -> None:
        if self._requests is None:
            raise channel.Closed
        channel.send(self._requests, request, [control.fileno()])

    def _restart_zygote(self) -> None:
        if self._requests is not None:
            self._requests.close()
        if self._zygote is not None:
            self._zygote.wait()
        self._start_zygote()


def _client_options(options: AttachOptions, *, stdin_once: bool) -> dict[str, Any]:
    return {
        "stdin": options.stdin,
        "stdout": options.stdout,
        "stderr": options.stderr,
        "stdin_once": stdin_once,
        "detach_keys": list(parse_detach_keys(options.detach_keys)),
    }


def parse_detach_keys(text: str) -> bytes:
    """ "ctrl-p,ctrl-q" as the bytes a terminal sends. ``InvalidInput`` for anything else."""
    keys = bytearray()
    for part in (text or _DEFAULT_DETACH_KEYS).split(","):
        if len(part) == 1 and part.isascii():
            keys += part.encode()
        elif part.startswith("ctrl-") and len(part) == 6 and (part[5].isalpha() or part[5] in "@[\\]^_"):
            keys.append(ord(part[5].upper()) & 0x1F)
        else:
            raise InvalidInput(
                f"{text!r} are no detach keys", hint="write letters or ctrl-LETTER, with commas: ctrl-p,ctrl-q"
            )
    return bytes(keys)
