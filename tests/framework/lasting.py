"""Everything a process may have, before and after it is saved: a program that runs in a guest, on its own Python.

Each check is a generator: up to its ``yield`` it makes things ready, behind it it looks at them again. The guest is
forked, or saved and restored, in between; then a file ``/go`` appears. The answer is a line of JSON for each process
that goes on: the name of each check, with what was wrong. ``clone`` tells whether this is another guest than before.
"""

# ruff: noqa: PTH103, PTH108, PTH109, PTH110, PTH208

from __future__ import annotations

import ctypes
import fcntl
import json
import mmap
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = libc.syscall.restype = ctypes.c_long
libc.mmap.argtypes = [ctypes.c_long, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
PAGE = 4096
HOST = socket.gethostname()
PATIENCE = 10.0

Check = Generator[None, None, None]
CHECKS: list[Callable[[], Check]] = []


def check(function: Callable[[], Check]) -> Callable[[], Check]:
    CHECKS.append(function)
    return function


def clone() -> bool:
    return socket.gethostname() != HOST


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


# -- memory --------------------------------------------------------------------------------------------


@check
def memory_keeps_its_contents() -> Check:
    blocks = [os.urandom(size) for size in (10, 5000, 100_000, 3 << 20)]
    sums = [sum(block) for block in blocks]
    yield
    assert [sum(block) for block in blocks] == sums
    assert len(bytearray(8 << 20)) == 8 << 20


@check
def heap_grows() -> Check:
    libc.sbrk.restype = ctypes.c_long
    before = libc.sbrk(1 << 20)
    ctypes.memset(before, 7, 1 << 20)
    yield
    assert ctypes.string_at(before, 1 << 20) == b"\7" * (1 << 20)
    more = libc.sbrk(3 << 20)
    assert more >= before + (1 << 20)
    ctypes.memset(more, 8, 3 << 20)
    assert ctypes.string_at(before, 1 << 20) == b"\7" * (1 << 20)


@check
def guard_pages_stay_and_rights_change() -> Check:
    start = libc.mmap(0, 16 * PAGE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    ctypes.memset(start, 1, 16 * PAGE)
    assert libc.mprotect(ctypes.c_long(start), PAGE, 0) == 0
    yield
    reader, writer = os.pipe()
    assert libc.write(writer, ctypes.c_long(start), 1) == -1 and ctypes.get_errno() == 14
    if (child := os.fork()) == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        ctypes.string_at(start, 1)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGSEGV
    assert libc.mprotect(ctypes.c_long(start), PAGE, 3) == 0
    assert ctypes.string_at(start, 1) == b"\1"
    assert libc.mprotect(ctypes.c_long(start + PAGE), PAGE, 1) == 0
    assert libc.read(reader, ctypes.c_long(start + PAGE), 0) == 0
    assert libc.munmap(ctypes.c_long(start), 16 * PAGE) == 0


@check
def shared_memory_is_shared_with_later_children() -> Check:
    shared = mmap.mmap(-1, 64 * PAGE)
    shared[:5], shared[-5:] = b"first", b"final"
    yield
    assert (shared[:5], shared[-5:]) == (b"first", b"final")
    if (child := os.fork()) == 0:
        shared[:5] = b"child"
        os._exit(0)
    os.waitpid(child, 0)
    assert shared[:5] == b"child"


@check
def files_mapped_shared_are_written() -> Check:
    with open("/tmp/mapped", "wb") as file:
        file.write(b"a" * 3 * PAGE)
    with open("/tmp/mapped", "r+b") as file:
        view = mmap.mmap(file.fileno(), 3 * PAGE)
    view[PAGE : PAGE + 3] = b"one"
    yield
    assert view[PAGE : PAGE + 3] == b"one"
    view[0:3] = b"two"
    with open("/tmp/mapped", "rb") as file:
        assert file.read(3) == b"two"


@check
def files_mapped_privately_stay_private() -> Check:
    with open("/tmp/private", "wb") as file:
        file.write(b"a" * 2 * PAGE)
    with open("/tmp/private", "rb") as file:
        view = mmap.mmap(file.fileno(), 2 * PAGE, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
    view[:3] = b"own"
    yield
    assert view[:3] == b"own" and view[PAGE : PAGE + 3] == b"aaa"
    with open("/tmp/private", "rb") as file:
        assert file.read(3) == b"aaa"


@check
def nameless_files_stay_mapped() -> Check:
    fd = os.memfd_create("kept")
    os.ftruncate(fd, 2 * PAGE)
    view = mmap.mmap(fd, 2 * PAGE)
    view[:4] = b"kept"
    yield
    assert view[:4] == b"kept" and os.pread(fd, 4, 0) == b"kept"
    view[:4] = b"more"
    assert os.pread(fd, 4, 0) == b"more"


@check
def nameless_files_that_are_mapped_only_stay() -> Check:
    fd = os.memfd_create("closed")
    os.ftruncate(fd, 4 * PAGE)
    one, two = (libc.mmap(0, pages * PAGE, 3, mmap.MAP_SHARED, fd, 0) for pages in (2, 4))
    os.close(fd)
    ctypes.memmove(one, b"kept", 4)
    ctypes.memmove(two + 3 * PAGE, b"last", 4)
    yield
    assert [ctypes.string_at(*at) for at in ((one, 4), (two, 4), (two + 3 * PAGE, 4))] == [b"kept", b"kept", b"last"]
    ctypes.memmove(one + PAGE, b"new", 3)
    assert ctypes.string_at(two + PAGE, 3) == b"new"


# -- descriptors ---------------------------------------------------------------------------------------


@check
def positions_are_shared_between_duplicates_alone() -> Check:
    with open("/tmp/numbers", "wb") as file:
        file.write(b"0123456789")
    one = os.open("/tmp/numbers", os.O_RDWR)
    two, other = os.dup(one), os.open("/tmp/numbers", os.O_RDONLY)
    os.set_inheritable(two, True)
    os.read(one, 3)
    os.read(other, 1)
    yield
    assert os.read(two, 2) == b"34" and os.read(one, 1) == b"5" and os.read(other, 2) == b"12"
    assert os.get_inheritable(two) and not os.get_inheritable(one)


@check
def flags_of_files_stay() -> Check:
    appending = os.open("/tmp/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(appending, b"one")
    yield
    os.lseek(appending, 0, os.SEEK_SET)
    os.write(appending, b"two")
    with open("/tmp/log", "rb") as file:
        assert file.read() == b"onetwo"
    assert fcntl.fcntl(appending, fcntl.F_GETFL) & os.O_APPEND


@check
def removed_files_stay_open() -> Check:
    one = os.open("/tmp/removed", os.O_RDWR | os.O_CREAT)
    os.write(one, b"contents")
    other = os.open("/tmp/removed", os.O_RDONLY)
    os.unlink("/tmp/removed")
    yield
    assert os.read(other, 20) == b"contents"
    os.write(one, b" and more")
    assert os.read(other, 20) == b" and more"
    with tempfile.TemporaryFile() as file:
        file.write(b"x")


@check
def folders_and_devices_stay_open() -> Check:
    folder, null = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY), os.open("/dev/null", os.O_RDWR)
    random, proc = os.open("/dev/urandom", os.O_RDONLY), os.open("/proc/self/stat", os.O_RDONLY)
    yield
    assert "passwd" in os.listdir(folder)
    assert os.write(null, b"x") == 1 and len(os.read(random, 8)) == 8 and os.read(proc, 10).startswith(b"1 (python")


@check
def pipes_keep_what_is_in_them() -> Check:
    reader, writer = os.pipe()
    os.write(writer, b"unread")
    os.set_blocking(reader, False)
    full, filler = os.pipe()
    fcntl.fcntl(filler, fcntl.F_SETPIPE_SZ, 2 * PAGE)
    os.write(filler, b"x" * 2 * PAGE)
    closed, gone = os.pipe()
    os.write(gone, b"last")
    os.close(gone)
    yield
    assert os.read(reader, 20) == b"unread"
    assert not os.get_blocking(reader) and os.get_blocking(writer)
    os.write(writer, b"more")
    assert os.read(reader, 20) == b"more"
    assert len(os.read(full, 10 * PAGE)) == 2 * PAGE
    assert os.read(closed, 20) == b"last" and os.read(closed, 20) == b""


@check
def pipes_that_are_open_twice_do_not_double() -> Check:
    reader, writer = os.pipe()
    os.write(writer, b"once")
    again, both = (os.open(f"/proc/self/fd/{reader}", flags) for flags in (os.O_RDONLY, os.O_RDWR))
    yield
    assert os.read(again, 20) == b"once"
    os.write(both, b"more")
    assert os.read(reader, 20) == b"more"


@check
def socket_pairs_keep_what_is_in_them() -> Check:
    one, other = socket.socketpair()
    one.send(b"to other")
    other.send(b"to one")
    packets = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    half, rest = socket.socketpair()
    half.send(b"last words")
    half.close()
    yield
    assert (one.recv(20), other.recv(20)) == (b"to one", b"to other")
    packets[0].send(b"packet")
    assert packets[1].recv(20) == b"packet"
    assert rest.recv(20) == b"last words"
    assert rest.recv(20) == b""


@check
def events_and_timers_stay() -> Check:
    event = os.eventfd(5)
    semaphore = os.eventfd(3, os.EFD_SEMAPHORE | os.EFD_NONBLOCK)
    fired, later = (libc.timerfd_create(1, 0) for _ in range(2))
    libc.timerfd_settime(fired, 0, struct.pack("=4q", 0, 0, 0, 1), None)
    libc.timerfd_settime(later, 0, struct.pack("=4q", 0, 50_000_000, 0, 400_000_000), None)
    select.select([fired], [], [], PATIENCE)
    yield
    assert os.eventfd_read(event) == 5 and [os.eventfd_read(semaphore) for _ in range(3)] == [1, 1, 1]
    assert select.select([semaphore], [], [], 0) == ([], [], [])
    assert int.from_bytes(os.read(fired, 8), "little") == 1
    assert int.from_bytes(os.read(later, 8), "little") >= 1 and int.from_bytes(os.read(later, 8), "little") >= 1


@check
def epoll_watches_on() -> Check:
    reader, writer = os.pipe()
    event = os.eventfd(0)
    poll = select.epoll()
    poll.register(reader, select.EPOLLIN)
    poll.register(event, select.EPOLLIN | select.EPOLLET)
    yield
    assert poll.poll(0) == []
    os.write(writer, b"x")
    os.eventfd_write(event, 1)
    assert sorted(poll.poll(PATIENCE)) == sorted([(reader, select.EPOLLIN), (event, select.EPOLLIN)])
    assert poll.poll(0) == [(reader, select.EPOLLIN)]


@check
def signalfd_hears() -> Check:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
    fd = libc.signalfd(-1, struct.pack("=16Q", 1 << signal.SIGHUP - 1, *[0] * 15), 0)
    yield
    os.kill(os.getpid(), signal.SIGHUP)
    assert struct.unpack_from("=I", os.read(fd, 128))[0] == signal.SIGHUP


@check
def sealed_files_stay_sealed() -> Check:
    fd = os.memfd_create("sealed", os.MFD_ALLOW_SEALING)
    os.write(fd, b"for good")
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW)
    yield
    assert fcntl.fcntl(fd, fcntl.F_GET_SEALS) == fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW
    assert os.pread(fd, 20, 0) == b"for good"
    try:
        os.pwrite(fd, b"x", 0)
    except PermissionError:
        return
    raise AssertionError("it could be written")


# -- sockets -------------------------------------------------------------------------------------------


@check
def listeners_listen_on() -> Check:
    inet = socket.create_server(("0.0.0.0", 7001))
    six = socket.create_server(("::1", 7002), family=socket.AF_INET6) if os.path.exists("/proc/net/if_inet6") else inet
    unix, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    unix.bind("/tmp/listener")
    abstract.bind("\0listener")
    for each in (unix, abstract):
        each.listen()
    yield
    for each, address in ((inet, ("127.0.0.1", 7001)), (unix, "/tmp/listener"), (abstract, "\0listener")):
        with socket.socket(each.family) as client:
            client.connect(address)
            far, _ = each.accept()
            client.send(b"x")
            assert far.recv(1) == b"x"
            far.close()
    assert six.getsockname()[1] in (7001, 7002)


@check
def connections_are_reset_in_clones_alone() -> Check:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    yield
    if not clone():
        near.send(b"still")
        assert far.recv(10) == b"still"
        return
    for end in (near, far):
        end.settimeout(PATIENCE)
        try:
            assert end.recv(10) == b""
        except ConnectionResetError:
            continue


@check
def datagram_sockets_keep_their_port() -> Check:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(("127.0.0.1", 7003))
    bound.settimeout(PATIENCE)
    connected = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    connected.connect(("127.0.0.1", 7003))
    yield
    connected.send(b"datagram")
    assert bound.recv(20) == b"datagram"
    assert bound.gettimeout() == PATIENCE


# -- signals and timers --------------------------------------------------------------------------------


@check
def handlers_masks_and_pending_signals_stay() -> Check:
    heard: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, _frame: heard.append(number))
    signal.signal(signal.SIGUSR2, lambda number, _frame: heard.append(number))
    signal.signal(signal.SIGWINCH, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGQUIT])
    os.kill(os.getpid(), signal.SIGUSR2)
    signal.raise_signal(signal.SIGQUIT)
    yield
    assert signal.getsignal(signal.SIGWINCH) == signal.SIG_IGN
    assert signal.sigpending() >= {signal.SIGUSR2, signal.SIGQUIT}, signal.sigpending()
    assert signal.SIGUSR2 in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert heard == []
    os.kill(os.getpid(), signal.SIGUSR1)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR2])
    assert sorted(heard) == [signal.SIGUSR1, signal.SIGUSR2]
    assert signal.sigtimedwait([signal.SIGQUIT], 0).si_signo == signal.SIGQUIT


@check
def interval_timer_runs_on() -> Check:
    heard: list[int] = []
    signal.signal(signal.SIGALRM, lambda number, _frame: heard.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    yield
    before = len(heard)
    assert eventually(lambda: len(heard) > before + 2)
    signal.setitimer(signal.ITIMER_REAL, 0)


@check
def time_goes_on() -> Check:
    wall, steady = time.time(), time.monotonic()
    yield
    assert 0 <= time.time() - wall < 600 and 0 <= time.monotonic() - steady < 600
    seconds = struct.unpack("=qq", syscall_clock(1))[0]
    assert abs(seconds - time.monotonic()) < 2
    start = time.monotonic()
    time.sleep(0.05)
    assert time.monotonic() - start >= 0.05


def syscall_clock(clock: int) -> bytes:
    found = ctypes.create_string_buffer(16)
    assert libc.syscall(228, clock, found) == 0
    return found.raw


# -- the process ---------------------------------------------------------------------------------------


@check
def surroundings_stay() -> Check:
    os.makedirs("/tmp/deep/er", exist_ok=True)
    os.chdir("/tmp/deep/er")
    os.umask(0o027)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 31))
    os.environ["COLOUR"] = "red"
    ids, groups, capabilities = os.getresuid() + os.getresgid(), os.getgroups(), status("Cap")
    yield
    assert os.getcwd() == "/tmp/deep/er"
    assert os.umask(0o027) == 0o027
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == (1 << 30, 1 << 31)
    assert os.environ["COLOUR"] == "red" and os.getpid() == 1
    assert os.getresuid() + os.getresgid() == ids and os.getgroups() == groups
    assert status("Cap") == capabilities, (status("Cap"), capabilities)


def status(prefix: str) -> list[str]:
    with open("/proc/self/status") as file:
        return [line for line in file if line.startswith(prefix)]


@check
def threads_go_on_with_their_numbers() -> Check:
    start, stop, news = threading.Event(), threading.Event(), threading.Event()
    lock, counts = threading.Lock(), [0] * 8
    reader, writer = os.pipe()
    said: list[bytes] = []

    def count(number: int) -> None:
        start.wait()
        while not stop.is_set():
            counts[number] += 1

    threads = [threading.Thread(target=count, args=(number,), daemon=True) for number in range(4)]
    threads += [threading.Thread(target=stop.wait, daemon=True) for _ in range(4)]
    threads.append(threading.Thread(target=lambda: said.append(os.read(reader, 10)), daemon=True))
    threads.append(threading.Thread(target=lambda: lock.acquire() and news.set(), daemon=True))
    lock.acquire()
    for thread in threads:
        thread.start()
    start.set()
    numbers = {thread.native_id for thread in threads}
    yield
    assert {int(name) for name in os.listdir("/proc/self/task")} >= numbers, (os.listdir("/proc/self/task"), numbers)
    before = counts[:4]
    assert eventually(lambda: all(now > then for now, then in zip(counts, before, strict=False))), (counts, before)
    lock.release()
    assert news.wait(PATIENCE)
    os.write(writer, b"word")
    assert eventually(lambda: said == [b"word"])
    stop.set()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), thread


@check
def further_threads_processes_and_programs_work() -> Check:
    yield
    found: list[int] = []
    for number in range(5):
        thread = threading.Thread(target=found.append, args=(number,))
        thread.start()
        thread.join()
    assert found == list(range(5))
    if (child := os.fork()) == 0:
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert (
        subprocess.run(["/bin/sh", "-c", "echo $COLOUR; exit 3"], capture_output=True, check=False).stdout == b"red\n"
    )


# -- the whole -----------------------------------------------------------------------------------------


def begun(checks: list[Callable[[], Check]]) -> Iterator[tuple[str, Check]]:
    for each in checks:
        generator = each()
        next(generator)
        yield each.__name__, generator


def outcome(generator: Check) -> str:
    try:
        next(generator, None)
    except BaseException:
        return traceback.format_exc(limit=-2)
    return ""


def main() -> None:
    wanted = [each for each in CHECKS if not sys.argv[1:] or each.__name__ in sys.argv[1:]]
    if len(sys.argv) == 2 and sys.argv[1] == "--names":
        print(json.dumps([each.__name__ for each in CHECKS]))
        return
    running = list(begun(wanted))
    print("ready", flush=True)
    while not os.path.exists("/go"):
        time.sleep(0.02)
    found = {name: outcome(generator) for name, generator in running}
    print(json.dumps({"clone": clone(), "host": socket.gethostname(), "random": os.urandom(8).hex(), "wrong": found}))
    sys.stdout.flush()
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
