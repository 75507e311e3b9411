"""``wirt trace``: what the processes of a micro guest do, told by their monitors over one socket.

The monitors write, we read, and nothing lies between the two but the socket's buffer: while nobody takes entries from
us, we take none from the socket, and the guest's side counts what does not fit. What comes out of it was written by a
guest's monitor, so it is checked, and dropped when it is no entry.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import msgspec

from wirt.engine.keepers import Link
from wirt.engine.lifecycle import ACTIVE, Lifecycle
from wirt.engine.orders import Orders
from wirt.engine.registry import Registry
from wirt.errors import Conflict, InvalidInput, RuntimeFailure
from wirt.host.sockets import set_send_buffer
from wirt.model.guest import Guest, Kind
from wirt.model.trace import TraceEntry, TraceOptions

__all__ = ["Tracing", "entries"]

_BUFFER = 4 << 20  # bytes that the kernel holds for us
_MOST_PACKET = 64 << 10
_AT_ONCE = 256  # entries
_PATIENCE = 3.0  # seconds for processes to answer: one that is stopped is traced when it goes on

Entries = Sequence[TraceEntry]


class Tracing:
    """Owned by the daemon's event loop."""

    def __init__(self, registry: Registry, lifecycle: Lifecycle, orders: Orders) -> None:
        self._registry = registry
        self._lifecycle = lifecycle
        self._orders = orders
        self._traced: set[str] = set()
        self._armed: dict[str, tuple[dict[str, Any], socket.socket]] = {}  # guests that are traced from their start on
        lifecycle.on_spawned.append(self._spawned)

    async def trace(self, ref: str, options: TraceOptions) -> AsyncGenerator[Entries, None]:
        """Entries as they come, some at a time, until the guest ends.

        ``InvalidInput`` for a guest of another kind and for unknown names; ``Conflict`` for one that does not run (with
        ``options.start`` for one that does), or is being traced already.
        """
        guest = self._find(ref, start=options.start)
        names = await asyncio.to_thread(_chosen, options.calls) if options.calls else None
        if guest.id in self._traced:
            raise Conflict(f"guest {guest.name} is being traced already", hint="one trace at a time")
        arguments = {"calls": names, "steps": options.steps, "arguments": options.arguments}
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
        set_send_buffer(theirs, _BUFFER)
        ours.setblocking(False)
        self._traced.add(guest.id)
        with contextlib.ExitStack() as undo:
            undo.callback(self._traced.discard, guest.id)
            undo.enter_context(ours)
            undo.enter_context(theirs)
            if options.start:
                self._armed[guest.id] = (arguments, theirs)
                undo.callback(self._armed.pop, guest.id, None)
            else:
                # Processes notice that nobody reads any more when they are kicked, or have something to say.
                undo.callback(self._kick, guest)
                order = undo.enter_context(self._orders.open(guest, "trace", arguments, [theirs.fileno()]))
                theirs.close()
                with contextlib.suppress(RuntimeFailure):
                    said = await self._orders.deliver(guest, order, patience=_PATIENCE)
                    _check(guest, said)
            stream = entries(ours, undo.pop_all())
        await anext(stream)  # from now on its end undoes everything
        return stream

    def _find(self, ref: str, *, start: bool) -> Guest:
        guest = self._registry.find(ref)
        if guest.spec.kind is not Kind.MICRO:
            raise InvalidInput(
                f"wirt trace shows micro guests; {guest.name} is a {guest.spec.kind.value}", hint="use strace in it"
            )
        if not start:
            return self._orders.find(ref)
        if guest.state in ACTIVE:
            raise Conflict(f"guest {guest.name} runs already", hint="trace it without start")
        return guest

    def _spawned(self, guest: Guest, link: Link) -> None:
        """A guest is about to be started."""
        if (armed := self._armed.pop(guest.id, None)) is not None:
            arguments, theirs = armed
            with theirs:
                link.order("trace", arguments, [theirs.fileno()])

    def _kick(self, guest: Guest) -> None:
        runtime = self._lifecycle.runtime(guest.spec.kind)

        async def kick() -> None:
            await asyncio.to_thread(runtime.kick, guest)

        self._lifecycle.in_background(kick(), "ending a trace")


def _chosen(words: Sequence[str]) -> list[str] | None:
    from wirt.sentry.tracing.choice import chosen  # takes a while to import, and few need it

    names = chosen(words)
    return None if names is None else sorted(names)


def _check(guest: Guest, said: dict[int, list[dict[str, Any]]]) -> None:
    for replies in said.values():
        for reply in replies:
            if "refused" in reply:
                raise InvalidInput(f"guest {guest.name} cannot be traced: {reply['refused']}", hint="restart it")


async def entries(ours: socket.socket, kept: contextlib.ExitStack) -> AsyncGenerator[Entries, None]:
    """What is read from ``ours``, first nothing at all; ``kept`` is closed at the end."""
    decoder = msgspec.json.Decoder(TraceEntry)
    loop = asyncio.get_running_loop()
    dropped = 0
    with kept:
        yield ()  # it has begun
        while packet := await loop.sock_recv(ours, _MOST_PACKET):
            batch: list[TraceEntry] = []
            while packet:
                try:
                    entry = decoder.decode(packet)
                except (msgspec.MsgspecError, RecursionError):
                    dropped += 1
                else:
                    batch.append(dataclasses.replace(entry, lost=entry.lost + dropped) if dropped else entry)
                    dropped = 0
                if len(batch) >= _AT_ONCE:
                    break
                try:
                    packet = ours.recv(_MOST_PACKET)
                except BlockingIOError:
                    break
            yield batch
            if not packet:
                return
