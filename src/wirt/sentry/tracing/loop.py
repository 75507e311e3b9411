"""The run loop of a traced guest thread: what ``wirt.sentry.loop`` does, and each step of it told.

It is a loop of its own so that the other one knows nothing of traces. While it runs, the thread page says that the
function library shall not answer, so that every call comes by here.
"""

from __future__ import annotations

import errno
import logging
import signal
import stat
import sys
import time
from types import FrameType
from typing import TYPE_CHECKING, Any

from wirt.abi.linux import unistd as nr
from wirt.host import _native
from wirt.model.trace import TraceKind
from wirt.sentry import lives, orders, signals
from wirt.sentry import loop as plain
from wirt.sentry.descriptors import FD_LIMIT
from wirt.sentry.table import Call
from wirt.sentry.task import Task
from wirt.sentry.tracing.decode import Decoded
from wirt.vmm.platform import BUS_ERROR, Exit
from wirt.vmm.vmi import abi

if TYPE_CHECKING:
    from wirt.sentry.tracing.tracer import Tracer

__all__ = ["run"]

log = logging.getLogger("wirt.sentry")

_EINTR = -errno.EINTR
_LOOK_EVERY = 1024  # calls that nobody wanted to see, until we see whether anybody still looks
# What the function library answers (docs/vmi.md), getppid(2) where its flag is set.
_INSIDE = frozenset((39, 186, 102, 107, 104, 108, abi.VMI_CALL_VERSION, abi.VMI_CALL_TIME))
_GETPPID = 110
_ENDS = frozenset(("exit", "exit_group", "vmi_exit"))
# Calls that wait for something, as a rule: told when they begin, too.
_WAITING = frozenset(
    (
        *("nanosleep", "clock_nanosleep", "wait4", "waitid", "pause", "poll", "ppoll", "select", "pselect6"),
        *("epoll_wait", "epoll_pwait", "epoll_pwait2", "accept", "accept4", "connect", "recvfrom", "recvmsg"),
        *("recvmmsg", "rt_sigsuspend", "rt_sigtimedwait", "flock", "msgrcv", "semop", "semtimedop", "futex"),
        "mq_timedreceive",
    )
)
_READING = frozenset(("read", "readv"))  # these as well, but of files
_VECTORS = {0: "divide error", 1: "single step", 3: "breakpoint", 6: "invalid opcode", 13: "general protection",
            14: "page fault", 16: "x87 error", 17: "alignment check", 19: "SIMD error",
            BUS_ERROR: "bus error"}  # fmt: skip


def run(task: Task) -> None:
    """Until ``ThreadEnded`` says that the thread is no more, or its process is not traced any more."""
    tracer: Tracer | None = task.process.tracer
    if tracer is None:
        return
    tracer.enter(task.tid)
    lives.tell_vcpu(task)
    try:
        _run(task, tracer)
    finally:
        _native.note(False)
        tracer.leave(task.tid)
        lives.tell_vcpu(task)


def _run(task: Task, tracer: Tracer) -> None:
    process = task.process
    calls = process.calls
    user = 0
    while process.tracer is tracer:
        vcpu = task.vcpu
        entered = time.monotonic_ns()
        happened = vcpu.run(task.mask)
        left = time.monotonic_ns()
        user += left - entered
        if happened is Exit.SYSCALL:
            entry = calls.get(vcpu.number)
            if entry is None:
                _unknown(task, tracer, user)
            else:
                _One(task, tracer, entry, left, user).answer()
            user = 0
        elif happened is Exit.INTERRUPTED:
            lives.leave_if_asked(task)
            signals.take(task)
            orders.look(task)
            if process.tracer is tracer and tracer.gone():
                tracer.detach(task)
        elif happened is Exit.FAULT:
            _fault(task, tracer, user)
            user = 0
        else:
            log.error("guest process %d: %s", process.pid, vcpu.reason)
            tracer.killed(task, signal.SIGKILL)
            signals.die(signal.SIGKILL)


def _unknown(task: Task, tracer: Tracer, user: int) -> None:
    vcpu = task.vcpu
    name, words = f"syscall_{vcpu.number:#x}", ", ".join(f"{word:#x}" for word in vcpu.args)
    vcpu.finish(-errno.ENOSYS)
    if tracer.wanted is None:
        outcome = "= -1 ENOSYS (no such call here)"
        tracer.send(task, TraceKind.CALL, name=name, arguments=words, result=-errno.ENOSYS, outcome=outcome,
                    user=user / 1e9)  # fmt: skip


def _fault(task: Task, tracer: Tracer, user: int) -> None:
    fault = task.vcpu.fault
    how = "fetch" if fault.error & 16 else "write" if fault.error & 2 else "read"
    where = f"{how} at {fault.address:#x}" if fault.vector == 14 else f"error {fault.error:#x}"
    name = _VECTORS.get(fault.vector, f"exception {fault.vector}")
    tracer.send(task, TraceKind.FAULT, name=name, arguments=where, user=user / 1e9)
    plain.fault(task, fault)


class _One:
    """One call, from the exit to its answer."""

    def __init__(self, task: Task, tracer: Tracer, entry: tuple[Any, int, Call], left: int, user: int) -> None:
        self.task, self.tracer, self.left, self.user = task, tracer, left, user
        self.handler, arity, self.call = entry
        self.words = task.vcpu.args[:arity]
        self.began = self.ended = left
        self.rip = 0
        self.decoded: Decoded | None = None
        self.steps: list[tuple[str, int | None, float, float]] = []

    def answer(self) -> None:
        task, tracer, call = self.task, self.tracer, self.call
        if tracer.wanted is not None and call.name not in tracer.wanted:
            self._answer_unseen()
            return
        if tracer.arguments:
            self.decoded = Decoded(task, call, task.vcpu.args)
        if tracer.steps:
            self.rip = task.vcpu.registers().rip - 2
        if call.name in _ENDS:
            self._tell(None)
            tracer.send(task, TraceKind.END, name=call.name, outcome=f"exited with {self.words[0] & 0xFF}",
                        result=self.words[0] & 0xFF)  # fmt: skip
        elif tracer.arguments and self._waits():
            tracer.send(task, TraceKind.ENTER, name=call.name, arguments=self._text(None))
        pid = task.process.pid
        tracer.held[task.tid] = []
        try:
            result = self._make()
        except lives.ThreadEnded:
            self._last_words()
            raise
        if task.process.pid != pid:
            return  # we are a child: it was our parent's call
        self._conclude(result)

    def _last_words(self) -> None:
        """The thread ends in its call: exit(2), or execve(2) that another thread goes on with."""
        if self.call.name not in _ENDS:
            self._tell(None)
        self.tracer.release(self.task)

    def _conclude(self, result: int | None) -> None:
        task, tracer = self.task, self.tracer
        if result == _EINTR:
            self._interrupted()
        else:
            if result is not None:
                task.vcpu.finish(result)
            # A new program, or the frame of a signal: their registers are set, and rax is nobody's answer.
            self._tell(0 if result is None and self.call.name.startswith("execve") else result)
        tracer.release(task)

    def _interrupted(self) -> None:
        task, tracer = self.task, self.tracer
        if lives.leave_if_asked(task):
            return
        again = signals.interrupted(task, self.call)
        if not again:
            self._tell(_EINTR)
        elif tracer.held.get(task.tid):  # a handler comes first; without one nothing has happened at all
            self._tell(None, "= ? ERESTARTSYS (to be made again)")
        orders.look(task)
        if task.process.tracer is tracer and tracer.gone():
            tracer.detach(task)

    def _make(self) -> int | None:
        """As ``wirt.sentry.loop`` does it."""
        watch = _Watch(self.task.process.calls) if self.tracer.steps else None
        if watch:
            watch.begin()
        self.began = time.monotonic_ns()
        try:
            result: int | None = self.handler(self.task, *self.words)
        except OSError as error:
            result = -(error.errno or errno.EIO)
        except Exception:
            log.exception("%s%s", self.call.name, self.words)
            result = -errno.EINVAL
        finally:
            self.ended = time.monotonic_ns()
            if watch:
                self.steps = watch.end(self.began)
        return result

    def _answer_unseen(self) -> None:
        """A call that nobody wants to see."""
        task, tracer = self.task, self.tracer
        if self.call.name in _ENDS:
            tracer.send(task, TraceKind.END, name=self.call.name, outcome=f"exited with {self.words[0] & 0xFF}",
                        result=self.words[0] & 0xFF)  # fmt: skip
        pid = task.process.pid
        result = self._make()
        if task.process.pid != pid:
            return
        if result == _EINTR:
            if not lives.leave_if_asked(task):
                signals.interrupted(task, self.call)
            orders.look(task)
        elif result is not None:
            task.vcpu.finish(result)
        tracer.skipped += 1
        if (tracer.skipped % _LOOK_EVERY == 0 or result == _EINTR) and task.process.tracer is tracer and tracer.gone():
            tracer.detach(task)

    def _tell(self, result: int | None, outcome: str = "") -> None:
        task, tracer = self.task, self.tracer
        held = tracer.held.pop(task.tid, None)
        arguments = self._text(result)
        if not outcome and self.decoded is not None:
            outcome = self.decoded.outcome(result)
        tracer.send(
            task,
            TraceKind.CALL,
            name=self.call.name,
            arguments=arguments,
            result=result,
            outcome=outcome,
            seconds=(self.ended - self.began) / 1e9,
            user=self.user / 1e9,
            rip=self.rip,
            inside=self._inside(),
            steps=[
                {"name": name, "result": said, "began": began, "seconds": seconds}
                for name, said, began, seconds in self.steps
            ],
        )
        if held is not None:
            tracer.held[task.tid] = held

    def _text(self, result: int | None) -> str:
        return self.decoded.text(result) if self.decoded is not None else ""

    def _inside(self) -> bool:
        number = self.call.number
        return number in _INSIDE or (number == _GETPPID and _native.quick(nr.SYS_getppid) <= 1)

    def _waits(self) -> bool:
        if self.call.name in _READING:
            fd = self.words[0] & 0xFFFF_FFFF
            return fd < FD_LIMIT and not stat.S_ISREG(_mode(fd))
        return self.call.name in _WAITING and not (self.call.name == "futex" and self.words[1] & 0x7F not in (0, 6, 9))


def _mode(fd: int) -> int:
    about = bytearray(144)
    return int.from_bytes(about[24:28], "little") if _native.quick(nr.SYS_fstat, fd, about) >= 0 else stat.S_IFREG


# -- what the monitor asks of the host -----------------------------------------------------------------

_MODULES = frozenset(("posix", "fcntl", "_io", "io", "select", "_socket", "resource", "termios"))
_NO_CALLS = frozenset(("fspath", "strerror", "makedev", "major", "minor", "exception", "getvalue"))


class _Watch:
    """The host calls of one handler: those through ``_native`` one by one, and Python's own functions that make any."""

    __slots__ = ("_calls", "_found", "_open")

    def __init__(self, calls: dict[int, tuple[Any, int, Call]]) -> None:
        self._calls = calls
        self._found: list[tuple[str, int, int]] = []
        self._open: tuple[str, int] | None = None

    def begin(self) -> None:
        _native.note(True)
        sys.setprofile(self._profile)

    def _profile(self, _frame: FrameType, event: str, function: Any) -> None:
        if event == "c_call":
            owner = getattr(function, "__module__", None) or type(getattr(function, "__self__", None)).__module__
            if owner in _MODULES and function.__name__ not in _NO_CALLS:
                shown = "os" if owner == "posix" else owner.lstrip("_")
                self._open = (f"{shown}.{function.__name__}", time.monotonic_ns())
        elif event in ("c_return", "c_exception") and self._open is not None:
            self._found.append((*self._open, time.monotonic_ns()))
            self._open = None

    def end(self, since: int) -> list[tuple[str, int | None, float, float]]:
        """Name, result, beginning and duration of each in order; the times in seconds, the first from ``since`` on."""
        sys.setprofile(None)
        noted = _native.noted()
        _native.note(False)
        steps: list[tuple[int, str, int | None, int]] = [
            (began, self._calls[number][2].name if number in self._calls else f"syscall_{number}", result, ended)
            for number, result, began, ended in noted
        ]
        steps += [(began, name, None, ended) for name, began, ended in self._found]
        steps.sort()
        return [(name, result, (began - since) / 1e9, (ended - began) / 1e9) for began, name, result, ended in steps]
