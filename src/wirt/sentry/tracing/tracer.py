"""A process that is traced: it tells somebody outside, over a socket, whatever happens in it.

The order ``trace`` brings the socket, which all processes of the guest share: each packet is one entry, the JSON of
``wirt.model.trace.TraceEntry``. Forked processes inherit it and go on. Who does not read fast enough makes the guest
wait for a moment, once; from then on entries are counted instead of sent, until there is room again. When the other end
is closed, the process goes on as if there had never been a trace.
"""

from __future__ import annotations

import errno
import json
import struct
import time
from typing import Any

from wirt.abi.linux.unistd import SYS_close, SYS_poll, SYS_sendto
from wirt.host import _native
from wirt.model.trace import TraceKind
from wirt.sentry import loop as plain
from wirt.sentry import orders
from wirt.sentry.orders import Order
from wirt.sentry.process import Process
from wirt.sentry.task import Task
from wirt.sentry.tracing import loop
from wirt.sentry.tracing.decode import quoted
from wirt.sentry.tracing.names import signal_name

__all__ = ["Tracer", "trace"]

_DONTWAIT_NOSIGNAL = 0x4040
_ROOM = 0.3  # seconds that the guest waits for its reader, once
_MOST = 12 << 10  # bytes of an entry's arguments
_POLLOUT, _GONE = 4, 0x18  # POLLERR | POLLHUP
_POLLFD = struct.Struct("<ihh")
_CODES = {0: "SI_USER", -1: "SI_QUEUE", -2: "SI_TIMER", -6: "SI_TKILL", 0x80: "SI_KERNEL"}
_CHILD_CODES = {1: "CLD_EXITED", 2: "CLD_KILLED", 3: "CLD_DUMPED", 4: "CLD_TRAPPED", 5: "CLD_STOPPED",
                6: "CLD_CONTINUED"}  # fmt: skip
_SIGCHLD = 17
_FAULTS = frozenset((4, 5, 7, 8, 11))
_WORDS_SHOWN = 8


def trace(task: Task, order: Order) -> None:
    """The order: ``calls`` (names, or null for all), ``steps``, ``arguments``; a socket comes with it."""
    process, wanted = task.process, order.arguments
    if len(order.fds) != 1:
        order.reply(refused="a trace needs a socket")
        order.done()
        return
    before = process.tracer
    names = wanted.get("calls")
    process.tracer = Tracer(
        order.take()[0],
        None if names is None else frozenset(names),
        steps=bool(wanted.get("steps")),
        arguments=bool(wanted.get("arguments", True)),
    )
    process.loop = loop.run
    if _born not in process.on_fork:
        process.on_fork.append(_born)
    if before is not None:
        before.over = True
        before.leave(0)
    _kick_others(task)
    process.tracer.send(task, TraceKind.BEGIN, name="attach", arguments=_command(process), result=len(process.tasks))
    order.reply(traced=True)
    order.done()


orders.register("trace", trace)


def _command(process: Process) -> str:
    """What the process runs."""
    words = [quoted(word) for word in process.argv[:_WORDS_SHOWN]]
    return " ".join([*words, *["..."] * (len(process.argv) > _WORDS_SHOWN)])


def _kick_others(task: Task) -> None:
    """So that they begin, or end, the other loop."""
    for other in tuple(task.process.tasks.values()):
        if other is not task:
            other.vcpu.kick()


class Tracer:
    """One process's. ``fd``: the socket. ``wanted``: names of calls, None for all. ``inside``: threads that use it."""

    def __init__(self, fd: int, wanted: frozenset[str] | None, *, steps: bool, arguments: bool) -> None:
        self.fd, self.wanted, self.steps, self.arguments = fd, wanted, steps, arguments
        self.over = False
        self.inside: set[int] = set()
        self.held: dict[int, list[dict[str, Any]]] = {}  # by thread: to be sent after the call that it is in
        self.skipped = 0
        self._behind = False
        self._lost = 0

    # -- telling -----------------------------------------------------------------------------------

    def send(self, task: Task, kind: TraceKind, **more: Any) -> None:
        entry = {
            "kind": kind.value,
            "time": time.time(),
            "pid": task.process.pid,
            "tid": task.tid,
            "program": task.process.name,
            **more,
        }
        if (held := self.held.get(task.tid)) is not None:
            held.append(entry)
        else:
            self._put(task, entry)

    def release(self, task: Task) -> None:
        """Send what was held back."""
        for entry in self.held.pop(task.tid, ()):
            self._put(task, entry)

    def _put(self, task: Task, entry: dict[str, Any]) -> None:
        if self.over:
            return
        if len(entry.get("arguments", "")) > _MOST:
            entry["arguments"] = entry["arguments"][:_MOST] + "..."
        if self._lost:
            entry["lost"] = self._lost
        packet = json.dumps(entry, separators=(",", ":")).encode()
        result = self._try(packet)
        if result == -errno.EAGAIN and not self._behind:
            _poll(self.fd, _POLLOUT, _ROOM)
            result = self._try(packet)
        if result >= 0:
            self._behind, self._lost = False, 0
        elif result in (-errno.EAGAIN, -errno.ENOBUFS, -errno.EMSGSIZE):
            self._behind = True
            self._lost += 1
        else:
            self.detach(task)

    def _try(self, packet: bytes) -> int:
        return _native.quick(SYS_sendto, self.fd, packet, len(packet), _DONTWAIT_NOSIGNAL, 0, 0)

    # -- things that happen beside calls -----------------------------------------------------------

    def signal(self, task: Task, info: bytes) -> None:
        """A handler is about to run."""
        number, _, code, sender = struct.unpack_from("<iii4xi", info)
        (address,) = struct.unpack_from("<Q", info, 16)
        (status,) = struct.unpack_from("<i", info, 24)
        known, about = _CODES.get(code, str(code)), f"si_pid={sender}"
        if number in _FAULTS and code > 0:
            about = f"si_addr={address:#x}"
        elif number == _SIGCHLD and code in _CHILD_CODES:
            known, about = _CHILD_CODES[code], f"{about}, si_status={status}"
        text = f"{{si_signo={signal_name(number)}, si_code={known}, {about}}}"
        self.send(task, TraceKind.SIGNAL, name=signal_name(number), arguments=text)

    def killed(self, task: Task, number: int) -> None:
        """By a signal that was forced on it."""
        self.release(task)
        self.send(task, TraceKind.END, name="killed", outcome=f"killed by {signal_name(number)}", result=-number)

    def born(self, task: Task) -> None:
        """We are the child of a traced process."""
        self.inside, self.held, self._lost = {task.tid}, {}, 0
        self.send(task, TraceKind.BEGIN, name="fork", arguments=_command(task.process), result=1)

    # -- the end -----------------------------------------------------------------------------------

    def gone(self) -> bool:
        """Whether nobody listens any more."""
        return bool(_poll(self.fd, 0, 0.0) & _GONE)

    def detach(self, task: Task) -> None:
        """Nobody listens any more."""
        process: Process = task.process
        self.over = True
        with process.lock:
            if process.tracer is not self:
                return
            process.tracer = None
            process.loop = plain.run
        _kick_others(task)

    def enter(self, tid: int) -> None:
        self.inside.add(tid)

    def leave(self, tid: int) -> None:
        """A thread will not send any more. The last one closes the socket: its number must not be another's before."""
        self.inside.discard(tid)
        if self.over and not self.inside and self.fd >= 0:
            fd, self.fd = self.fd, -1
            _native.quick(SYS_close, fd)


def _poll(fd: int, events: int, seconds: float) -> int:
    entry = bytearray(_POLLFD.pack(fd, events, 0))
    _native.call(SYS_poll, entry, 1, int(seconds * 1000))
    return int(_POLLFD.unpack(entry)[2])


def _born(process: Process) -> None:
    """In the child of a fork."""
    if process.tracer is not None:
        process.tracer.born(next(iter(process.tasks.values())))
