"""Attached clients: of a new guest (``run``), of one that is there (``attach``), of a further program (``exec``).

A session is prepared first, so that what is wrong with the request is an ordinary error; then the caller answers
"101 Switching Protocols" and hands over the client's socket with ``connect``, and the keeper speaks with the client
directly. The daemon is out of the way: it may die, and the session goes on.
"""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
import shutil
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from wirt.engine.creation import Creation
from wirt.engine.events import Events
from wirt.engine.keepers import Link, StartRefused, parse_detach_keys
from wirt.engine.lifecycle import Lifecycle, failure_body
from wirt.engine.logs import recorded
from wirt.engine.registry import Registry
from wirt.engine.settings import Paths
from wirt.errors import Conflict, InvalidInput, RuntimeFailure, StartFailed, WirtError
from wirt.keeper.frames import FrameType, encode, encode_exit
from wirt.model.guest import ExecSpec, Guest, GuestSpec, GuestState
from wirt.model.wire import AttachOptions, Created, LogQuery

__all__ = ["Session", "Sessions"]

_LARGEST = 0xFFFF  # rows or columns of a terminal, ioctl_tty(2)


@dataclass(frozen=True, slots=True)
class Session:
    """A prepared session. ``connect`` takes the client's socket over, whatever happens; it never raises."""

    guest_id: str
    connect: Callable[[socket.socket], Awaitable[None]]
    warnings: tuple[str, ...] = ()


class Sessions:
    """Owned by the daemon's event loop."""

    def __init__(
        self, *, paths: Paths, registry: Registry, lifecycle: Lifecycle, creation: Creation, events: Events
    ) -> None:
        self._paths = paths
        self._registry = registry
        self._lifecycle = lifecycle
        self._creation = creation
        self._events = events

    # -- run ---------------------------------------------------------------------------------------

    async def prepare_run(self, spec: GuestSpec, options: AttachOptions) -> Session:
        _check(options)
        created = await self._creation.create(spec)

        async def connect(sock: socket.socket) -> None:
            await self._start_attached(created.id, sock, options, stdin_once=True)

        return Session(created.id, connect, created.warnings)

    async def run_detached(self, spec: GuestSpec) -> Created:
        """Create and start; a guest that cannot start and was to be removed is."""
        created = await self._creation.create(spec)
        guest = self._registry.current(created.id)
        try:
            async with self._lifecycle.lock(guest.id):
                await self._lifecycle.start(guest)
        except WirtError:
            await self._remove_unstarted(guest.id)
            raise
        return created

    async def _start_attached(
        self, guest_id: str, sock: socket.socket, options: AttachOptions, *, stdin_once: bool
    ) -> None:
        taken = False

        def hand_over(link: Link) -> None:
            nonlocal taken
            taken = True
            link.attach(sock, options, stdin_once=stdin_once)

        try:
            async with self._lifecycle.lock(guest_id):
                guest = self._registry.current(guest_id)
                await self._lifecycle.start(guest, hand_over, size=(options.rows, options.cols))
        except WirtError as error:
            if not taken:
                await _say_failure(sock, error)
            await self._remove_unstarted(guest_id)

    async def _remove_unstarted(self, guest_id: str) -> None:
        """What was to be removed at its end, or could not go on from its snapshot, is not left behind."""
        guest = self._registry.get(guest_id)
        unwanted = guest is not None and (guest.spec.auto_remove or guest.resumes)
        if guest is not None and unwanted and guest.state in (GuestState.CREATED, GuestState.EXITED):
            await self._creation.remove(guest, force=True, volumes=True)

    # -- attach ------------------------------------------------------------------------------------

    async def prepare_attach(self, ref: str, options: AttachOptions, *, start: bool) -> Session:
        _check(options)
        guest = self._registry.find(ref)
        running = guest.state in (GuestState.RUNNING, GuestState.PAUSED, GuestState.STOPPING)
        if guest.state is GuestState.PAUSED:
            raise Conflict(f"guest {guest.name} is paused", hint=f"wirt unpause {guest.name} first")
        if not running and not start:
            raise Conflict(f"guest {guest.name} does not run", hint=f"wirt start -a {guest.name} starts and attaches")

        async def connect(sock: socket.socket) -> None:
            if options.logs:
                path = self._lifecycle.log_path(guest.id)
                query = LogQuery(stdout=options.stdout, stderr=options.stderr)
                await asyncio.to_thread(_send_recorded, sock, path, query)
            link = self._lifecycle.keepers.get(guest.id)
            if self._registry.current(guest.id).state in (GuestState.RUNNING, GuestState.STOPPING) and link is not None:
                try:
                    link.attach(sock, options, stdin_once=options.stdin_once)
                    link.resize(options.rows, options.cols)
                    self._events.publish("guest", "attach", guest.id, name=guest.name, image=guest.spec.image)
                except WirtError as error:
                    await _say_failure(sock, error)
            elif start:
                await self._start_attached(guest.id, sock, options, stdin_once=options.stdin_once)
            else:
                await _say_failure(sock, Conflict(f"guest {guest.name} has ended"))

        return Session(guest.id, connect)

    # -- exec --------------------------------------------------------------------------------------

    async def prepare_exec(self, ref: str, spec: ExecSpec, options: AttachOptions) -> Session:
        _check(options)
        guest = self._executable(ref, spec)

        async def connect(sock: socket.socket) -> None:
            exec_id = secrets.token_hex(32)
            try:
                await self._exec(guest, spec, exec_id, sock, options)
            except WirtError as error:
                await _say_failure(sock, error)

        return Session(guest.id, connect)

    async def exec_detached(self, ref: str, spec: ExecSpec) -> str:
        """Start a further program and leave it to itself; returns its id."""
        guest = self._executable(ref, spec)
        exec_id = secrets.token_hex(32)
        failure = await self._exec(guest, spec, exec_id, None, AttachOptions())
        if failure is not None:
            raise failure
        return exec_id

    async def exec_and_wait(self, guest: Guest, spec: ExecSpec, sock: socket.socket) -> int:
        """Run a program to its end, its output as frames into ``sock``; returns its exit code."""
        exec_id = secrets.token_hex(32)
        link = self._link(guest)
        failure = await self._exec(guest, spec, exec_id, sock, AttachOptions(), keep_exit=True)
        if failure is not None:
            raise failure
        return await link.exec_exit(exec_id)

    def _executable(self, ref: str, spec: ExecSpec) -> Guest:
        if not spec.command:
            raise InvalidInput("there is no command to run in the guest", hint="wirt exec GUEST COMMAND")
        guest = self._registry.find(ref)
        if guest.state is GuestState.PAUSED:
            raise Conflict(f"guest {guest.name} is paused", hint=f"wirt unpause {guest.name} first")
        if guest.state not in (GuestState.RUNNING, GuestState.STOPPING):
            raise Conflict(f"guest {guest.name} does not run", hint=f"wirt start {guest.name} first")
        return guest

    def _link(self, guest: Guest) -> Link:
        if (link := self._lifecycle.keepers.get(guest.id)) is None:
            raise RuntimeFailure(f"the keeper of guest {guest.name} is gone")
        return link

    async def _exec(
        self,
        guest: Guest,
        spec: ExecSpec,
        exec_id: str,
        sock: socket.socket | None,
        options: AttachOptions,
        *,
        keep_exit: bool = False,
    ) -> StartFailed | None:
        """Start the program; a failure of its own is told to ``sock``'s client and returned."""
        spec = dataclasses.replace(spec, size=(options.rows, options.cols))  # whatever the request said beside
        runtime = self._lifecycle.runtime(guest.spec.kind)
        folder = self._paths.guest_run(guest.id) / exec_id[:12]
        folder.mkdir(mode=0o700)
        link = self._link(guest)
        try:
            plan = runtime.prepare_exec(guest, guest.pid, spec, exec_id, folder)
            self._events.publish(
                "guest", f"exec_start: {' '.join(spec.command)}", guest.id, name=guest.name, image=guest.spec.image
            )
            await link.exec(exec_id, plan, open_stdin=spec.open_stdin, client=sock, options=options)
        except StartRefused as refused:
            failure = runtime.explain(refused.text, spec.command[0])
            link.finish(failure.exit_code, failure_body(failure, failure.exit_code), program=exec_id)
            return failure
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if not keep_exit:
                link.forget_exec(exec_id)
        return None


def _send_recorded(sock: socket.socket, path: Path, query: LogQuery) -> None:
    """What was logged so far, before live output; a client that hangs up meanwhile is noticed by its keeper."""
    sock.setblocking(True)
    try:
        for frame in recorded(path, query):
            sock.sendall(frame)
    except OSError:
        return


async def _say_failure(sock: socket.socket, error: WirtError) -> None:
    """The last frames of a session that no keeper took over."""
    if sock.fileno() < 0:
        return  # a keeper has it, and has told, or is gone and has hung up
    code = error.exit_code if isinstance(error, StartFailed) else 125
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    frames = encode(FrameType.ERROR, msgspec.json.encode(failure_body(error, code))) + encode_exit(code)
    try:
        with sock:
            await asyncio.wait_for(loop.sock_sendall(sock, frames), timeout=5)
    except (OSError, TimeoutError):
        return


def _check(options: AttachOptions) -> None:
    """``InvalidInput`` for keys that are none, and for a terminal that cannot be."""
    parse_detach_keys(options.detach_keys)
    if not all(0 <= size <= _LARGEST for size in (options.rows, options.cols)):
        raise InvalidInput(f"a terminal of {options.rows} rows and {options.cols} columns cannot be")
