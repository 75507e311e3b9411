"""The extension module: calls, memory, and waits that signals interrupt without being lost."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import random
import signal
import threading
from pathlib import Path

import pytest

from framework.forked import forked
from wirt.host import _native

READ, MPROTECT, NANOSLEEP, GETPID, SIGTIMEDWAIT, TGSIGQUEUEINFO = 0, 10, 35, 39, 128, 297
NEWFSTATAT = 262
FIRST, SECOND, REALTIME = signal.SIGUSR1, signal.SIGTERM, signal.SIGRTMIN + 2


class _Siginfo(ctypes.Structure):
    """siginfo_t as far as SI_QUEUE fills it: 128 bytes."""

    _fields_ = (
        ("signo", ctypes.c_int),
        ("errno", ctypes.c_int),
        ("code", ctypes.c_int),
        ("pad", ctypes.c_int),
        ("pid", ctypes.c_int),
        ("uid", ctypes.c_int),
        ("value", ctypes.c_uint64),
        ("rest", ctypes.c_char * 96),
    )


def _blocked(*free: int) -> int:
    """The mask that blocks everything but ``free``."""
    return ~sum(1 << number - 1 for number in free)


def _send_to_self(number: int, value: int) -> None:
    info = _Siginfo(signo=number, code=-1, pid=os.getpid(), value=value)
    assert _native.call(TGSIGQUEUEINFO, os.getpid(), threading.get_native_id(), number, ctypes.addressof(info)) == 0


def _take(*numbers: int) -> _Siginfo | None:
    """rt_sigtimedwait(2) without waiting."""
    info, only, now = _Siginfo(), ctypes.c_uint64(~_blocked(*numbers)), (ctypes.c_uint64 * 2)()
    result = _native.call(SIGTIMEDWAIT, ctypes.addressof(only), ctypes.addressof(info), ctypes.addressof(now), 8)
    return info if result > 0 else None


def _read_of_empty_pipe(mask: int) -> int:
    reader, writer = os.pipe()
    try:
        return _native.wait(mask, READ, reader, ctypes.addressof(ctypes.create_string_buffer(1)), 1)
    finally:
        os.close(reader)
        os.close(writer)


def test_call_returns_what_the_kernel_does() -> None:
    assert _native.call(GETPID) == _native.quick(GETPID) == os.getpid()
    assert _native.call(READ, -1 % 2**64, 0, 0) == -errno.EBADF
    assert _native.quick(READ, -1, 0, 0) == -errno.EBADF


@pytest.mark.parametrize("arguments", [(), (1,) * 8])
def test_call_refuses_another_number_of_words(arguments: tuple[int, ...]) -> None:
    with pytest.raises(TypeError, match=r"call\(\) takes 1 to 7 arguments"):
        _native.call(*arguments)
    with pytest.raises(TypeError):
        _native.call("read")  # type: ignore[arg-type]


def test_call_lets_other_threads_run() -> None:
    reader, writer = os.pipe()
    buffer = ctypes.create_string_buffer(4)
    thread = threading.Thread(target=lambda: os.write(writer, b"late"))
    thread.start()
    assert _native.call(READ, reader, ctypes.addressof(buffer), 4) == 4
    thread.join()
    os.close(reader)
    os.close(writer)
    assert buffer.raw == b"late"


def test_wait_passes_results_on() -> None:
    def body() -> None:
        _native.own_signals()
        assert _native.wait(0, GETPID) == os.getpid()
        assert _native.wait(0, READ, 10_000, 0, 0) == -errno.EBADF
        assert _native.wait(0, 1000) == -errno.ENOSYS

    forked(body)


def test_wait_leaves_a_pending_signal_pending_with_its_siginfo() -> None:
    def body() -> None:
        _native.own_signals()
        _send_to_self(FIRST, 0x1234_5678_9ABC)
        assert _read_of_empty_pipe(_blocked(FIRST)) == -errno.EINTR
        taken = _take(FIRST)
        assert taken is not None
        assert (taken.code, taken.pid, taken.value) == (-1, os.getpid(), 0x1234_5678_9ABC)
        assert _take(FIRST) is None
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) >= {FIRST, SECOND}

    forked(body)


def test_wait_is_not_interrupted_by_blocked_signals() -> None:
    def body() -> None:
        _native.own_signals()
        _send_to_self(SECOND, 1)
        pause = (ctypes.c_uint64 * 2)(0, 1_000_000)
        assert _native.wait(_blocked(FIRST), NANOSLEEP, ctypes.addressof(pause), 0) == 0
        assert _take(SECOND) is not None

    forked(body)


def test_wait_is_interrupted_while_it_blocks() -> None:
    def body() -> None:
        _native.own_signals()
        sender, parent = os.pipe(), os.getpid()
        child = os.fork()
        if child == 0:
            os.read(sender[0], 1)
            while Path(f"/proc/{parent}/stat").read_text().rsplit(")", 1)[1].split()[0] != "S":
                pass
            os.kill(parent, FIRST)
            os._exit(0)
        os.write(sender[1], b".")
        assert _read_of_empty_pipe(_blocked(FIRST)) == -errno.EINTR
        taken = _take(FIRST)
        assert taken is not None
        assert (taken.code, taken.pid) == (0, child)
        os.waitpid(child, 0)

    forked(body)


@pytest.mark.parametrize("number", [32, 33, 34, REALTIME, 64])
def test_wait_keeps_the_order_of_realtime_signals(number: int) -> None:
    def body() -> None:
        _native.own_signals()
        for value in range(5):
            _send_to_self(number, value)
        for value in range(5):
            assert _read_of_empty_pipe(_blocked(number)) == -errno.EINTR
            taken = _take(number)
            assert taken is not None
            assert taken.value == value
        assert _take(number) is None

    forked(body)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP])
def test_wait_is_interrupted_by_faults_that_somebody_sends(number: signal.Signals) -> None:
    def body() -> None:
        _native.own_signals()
        os.kill(os.getpid(), number)
        assert _read_of_empty_pipe(0) == -errno.EINTR
        assert _take(number) is not None

    forked(body)


def test_wait_never_hangs_whenever_the_signal_comes() -> None:
    forked(_stress, seconds=60)


def _stress() -> None:
    """20000 times: another process sends a signal at an instant around the entry of a blocking read."""
    bell, parent, delay = os.pipe(), os.getpid(), random.Random(1)  # noqa: S311 - delays
    child = os.fork()
    if child == 0:
        os.close(bell[1])
        while os.read(bell[0], 1):
            for _ in range(delay.randrange(300)):
                pass
            os.kill(parent, FIRST)
        os._exit(0)
    _native.own_signals()
    reader, _writer = os.pipe()
    address = ctypes.addressof(ctypes.create_string_buffer(8))
    for turn in range(20_000):
        os.write(bell[1], b".")
        for _ in range(turn * 7919 % 300):
            pass
        assert _native.wait(0, READ, reader, address, 8) == -errno.EINTR
        taken = _take(FIRST)
        assert taken is not None
        assert taken.pid == child
    os.close(bell[1])
    os.waitpid(child, 0)


def test_wait_never_loses_what_was_read_when_a_signal_comes() -> None:
    forked(_stress_with_data, seconds=60)


def _stress_with_data() -> None:
    """A byte and a signal come together: either the byte is read now, or it is still there."""
    bell, parent = os.pipe(), os.getpid()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(bell[1])
        while os.read(bell[0], 1):
            os.write(writer, b"!")
            os.kill(parent, FIRST)
        os._exit(0)
    _native.own_signals()
    address = ctypes.addressof(ctypes.create_string_buffer(8))
    for _ in range(5_000):
        os.write(bell[1], b".")
        result = _native.wait(0, READ, reader, address, 1)
        assert result in {1, -errno.EINTR}
        if result < 0:
            assert os.read(reader, 1) == b"!"
        assert signal.sigwait({FIRST}) == FIRST
    os.close(bell[1])
    os.waitpid(child, 0)


def test_disposition_default_ends_the_process() -> None:
    child = os.fork()
    if child == 0:
        _native.own_signals()
        _native.disposition(SECOND, 1)
        os.kill(os.getpid(), SECOND)
        _read_of_empty_pipe(_blocked(SECOND))
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == SECOND


def test_disposition_ignore_reaps_children_by_itself() -> None:
    def body() -> None:
        _native.own_signals()
        _native.disposition(signal.SIGCHLD, 2)
        child = os.fork()
        if child == 0:
            os._exit(0)
        with pytest.raises(ChildProcessError):
            os.waitpid(child, 0)

    forked(body)


@pytest.mark.parametrize("number", [0, 9, 19, 65])
def test_disposition_refuses_what_has_none(number: int) -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        _native.disposition(number, 1)


def test_disposition_refuses_an_unknown_way() -> None:
    with pytest.raises(ValueError, match="how"):
        _native.disposition(FIRST, 3)


def test_memory_is_read_and_written() -> None:
    buffer = ctypes.create_string_buffer(b"hello", 64)
    address = ctypes.addressof(buffer)
    assert _native.peek(address, 5) == _native.peek_safe(address, 5) == b"hello"
    assert _native.cstring(address, 64) == b"hello"
    assert _native.cstring(address, 5) is None
    _native.poke(address, bytearray(b"HE"))
    _native.poke_safe(address + 2, memoryview(b"LL"))
    assert buffer.value == b"HELLo"
    _native.put_u64(address + 8, -2)
    _native.put_u32(address + 16, 0x1_2345_6789)
    assert (_native.u64(address + 8), _native.u32(address + 16)) == (2**64 - 2, 0x2345_6789)


def test_memory_that_is_not_there_is_efault() -> None:
    area = mmap.mmap(-1, 3 * mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(area))
    assert _native.call(MPROTECT, address + mmap.PAGESIZE, mmap.PAGESIZE, 0) == 0
    for start, size in ((0, 1), (2**64 - 8, 8), (address + mmap.PAGESIZE, 1), (address, mmap.PAGESIZE + 1)):
        with pytest.raises(OSError, match="Bad address"):
            _native.peek_safe(start, size)
        with pytest.raises(OSError, match="Bad address"):
            _native.poke_safe(start, bytes(size))


def test_memory_beyond_the_end_of_a_file_is_efault(tmp_path: Path) -> None:
    with (tmp_path / "short").open("w+b") as file:
        file.truncate(2 * mmap.PAGESIZE)
        area = mmap.mmap(file.fileno(), 2 * mmap.PAGESIZE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(area))
        file.truncate(mmap.PAGESIZE)
        with pytest.raises(OSError, match="Bad address"):
            _native.peek_safe(address + mmap.PAGESIZE - 1, 2)


def test_peek_refuses_what_no_memory_holds() -> None:
    with pytest.raises(MemoryError):
        _native.peek(0, 2**63)
    with pytest.raises(MemoryError):
        _native.peek_safe(0, -1)


def test_native_call_takes_buffers_for_pointers() -> None:
    path, about = b"/proc/self/status", bytearray(144)
    assert _native.call(NEWFSTATAT, -100, path, about, 0) == 0
    assert int.from_bytes(about[24:28], "little") == Path("/proc/self/status").stat().st_mode
    assert _native.peek(_native.address_of(path), len(path) + 1) == path + b"\0"
    with pytest.raises(TypeError):
        _native.address_of("text")  # type: ignore[arg-type]


@pytest.mark.parametrize(("flags", "expected"), [(0, 0), (0x1000_0000, 1)])
def test_interruption_tells_what_the_kernel_would_do_with_a_call_that_blocks(flags: int, expected: int) -> None:
    """SA_RESTART or not, on a read of an empty pipe."""

    def body() -> None:
        _native.own_signals()
        _native.disposition(FIRST, 0, flags)
        main = threading.get_native_id()

        def send_when_it_waits() -> None:
            while not Path(f"/proc/self/task/{main}/syscall").read_text(encoding="ascii").startswith("0 "):
                os.sched_yield()
            os.kill(os.getpid(), FIRST)

        sender = threading.Thread(target=send_when_it_waits)
        sender.start()
        assert _read_of_empty_pipe(_blocked(FIRST)) == -errno.EINTR
        assert _native.interruption() == expected
        sender.join()
        assert _take(FIRST) is not None

    forked(body)


def test_interruption_tells_that_a_call_was_not_begun() -> None:
    def body() -> None:
        _native.own_signals()
        _send_to_self(FIRST, 0)
        assert _read_of_empty_pipe(_blocked(FIRST)) == -errno.EINTR
        assert _native.interruption() == 2
        assert _take(FIRST) is not None
        assert _native.wait(_blocked(FIRST), GETPID) == os.getpid()
        assert _native.interruption() == 0

    forked(body)


@pytest.mark.parametrize("number", [signal.SIGILL, signal.SIGTRAP, signal.SIGFPE, signal.SIGBUS, signal.SIGSEGV])
def test_fault_ends_the_process_although_everything_is_blocked(number: signal.Signals) -> None:
    def body() -> None:
        _native.own_signals()
        _native.fault(number)

    with pytest.raises(AssertionError, match=f"status -{number.value}"):
        forked(body)


def test_fault_refuses_what_the_processor_does_not_raise() -> None:
    def body() -> None:
        with pytest.raises(ValueError, match="SIGILL"):
            _native.fault(FIRST)

    forked(body)
