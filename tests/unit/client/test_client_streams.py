"""The client's side of an attached guest, against a guest's side played over a socket pair.

``converse`` takes the signals of its process, so every test runs it in a child of its own, on descriptors it is given.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import socket
import struct
import termios
import traceback
from collections.abc import Callable, Iterator

import pytest

from wirt.client import frames
from wirt.client.streams import DETACHED, converse
from wirt.client.transport import Upgraded
from wirt.errors import WirtError

EXIT_7 = frames.encode_frame(frames.EXIT, struct.pack(">i", 7))


class Client:
    """A child process in ``converse``; ``sock`` is the guest's side of its connection."""

    def __init__(self, sock: socket.socket, pid: int) -> None:
        self.sock = sock
        self.pid = pid
        self.reader = frames.FrameReader()
        self.frames: list[tuple[int, bytes]] = []

    def say(self, kind: int, payload: bytes = b"") -> None:
        self.sock.sendall(frames.encode_frame(kind, payload))

    def next_frame(self) -> tuple[int, bytes]:
        while not self.frames:
            data = self.sock.recv(65536)
            assert data, "the client hung up"
            self.frames += [(kind, bytes(payload)) for kind, payload in self.reader.feed(memoryview(data))]
        return self.frames.pop(0)

    def exited(self) -> int:
        """The exit code of the child, -n for signal n."""
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)


Launch = Callable[..., Client]


@pytest.fixture
def launch() -> Iterator[Launch]:
    with contextlib.ExitStack() as stack:

        def start(*, session: bool = False, early: bytes = b"", **how: object) -> Client:
            theirs, ours = socket.socketpair()
            pid = os.fork()
            if not pid:
                theirs.close()
                _child(ours, early, how, session=session)
            ours.close()
            client = Client(stack.enter_context(theirs), pid)
            stack.callback(_end, client)
            return client

        yield start


def _child(sock: socket.socket, early: bytes, how: dict[str, object], *, session: bool) -> None:
    code = 99
    kept = {sock.fileno(), *(fd for fd in how.values() if isinstance(fd, int))}
    for fd in set(range(3, 256)) - kept:  # the test's ends of pipes would keep them from ending
        _close(fd)
    try:
        if session:
            os.setsid()
        code = converse(Upgraded(sock, early, {}), **how)  # type: ignore[arg-type]
    except BrokenPipeError:
        code = 141
    except KeyboardInterrupt:
        code = 130
    except SystemExit as stop:
        code = int(str(stop.code))
    except WirtError:
        code = 125
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code & 0xFF)


def _end(client: Client) -> None:
    if client.pid:
        os.kill(client.pid, signal.SIGKILL)
        os.waitpid(client.pid, 0)


class Pipes:
    """Makes pipes (reading end, writing end) and closes what a test left open."""

    def __init__(self) -> None:
        self._open: set[int] = set()

    def __call__(self) -> tuple[int, int]:
        ends = os.pipe()
        self._open.update(ends)
        return ends

    def close(self, *fds: int) -> None:
        for fd in fds:
            self._open.remove(fd)
            os.close(fd)

    def close_all(self) -> None:
        self.close(*self._open)


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    pipes = Pipes()
    yield pipes
    pipes.close_all()


def _close(fd: int) -> None:
    with contextlib.suppress(OSError):
        os.close(fd)


def read_until(fd: int, size: int) -> bytes:
    data = bytearray()
    while len(data) < size and (piece := os.read(fd, 65536)):
        data += piece
    return bytes(data)


def test_output_goes_where_it_belongs_and_the_code_comes_back(launch: Launch, pipes: Pipes) -> None:
    (out, out_end), (err, err_end) = pipes(), pipes()
    client = launch(stdin=None, stdout=out_end, stderr=err_end, early=frames.encode_frame(frames.STDOUT, b"early "))
    client.sock.sendall(
        frames.encode_frame(frames.STDOUT, b"out") + frames.encode_frame(frames.STDERR, b"err") + EXIT_7
    )
    assert client.exited() == 7
    assert os.read(out, 100) == b"early out"
    assert os.read(err, 100) == b"err"


def test_input_is_framed_and_its_end_is_an_empty_frame(launch: Launch, pipes: Pipes) -> None:
    source, sink = pipes()
    client = launch(stdin=source)
    pipes.close(source)
    os.write(sink, b"line\n")
    assert client.next_frame() == (frames.STDIN, b"line\n")
    pipes.close(sink)
    assert client.next_frame() == (frames.STDIN, b"")
    client.sock.sendall(EXIT_7)
    assert client.exited() == 7


def test_input_from_a_file_is_sent_whole(launch: Launch, tmp_path) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "input").write_bytes(data)
    with (tmp_path / "input").open("rb") as file:
        client = launch(stdin=file.fileno())
    received = b""
    while (frame := client.next_frame()) != (frames.STDIN, b""):
        received += frame[1]
    assert received == data
    client.sock.sendall(EXIT_7)
    assert client.exited() == 7


def test_a_full_pipe_stops_output_and_nothing_else(launch: Launch, pipes: Pipes) -> None:
    out, out_end = pipes()
    source, sink = pipes()
    fcntl.fcntl(out_end, fcntl.F_SETPIPE_SZ, 4096)
    client = launch(stdin=source, stdout=out_end)
    client.say(frames.STDOUT, b"x" * 100_000)
    assert select.select([out], [], [], 10)[0]
    os.write(sink, b"still heard")
    assert client.next_frame() == (frames.STDIN, b"still heard")
    os.kill(client.pid, signal.SIGINT)
    assert client.next_frame() == (frames.SIGNAL, b"2")
    client.sock.sendall(EXIT_7)
    assert read_until(out, 100_000) == b"x" * 100_000
    assert client.exited() == 7


def test_a_guest_that_reads_nothing_stops_input_and_nothing_else(launch: Launch, pipes: Pipes) -> None:
    source, sink = pipes()
    out, out_end = pipes()
    client = launch(stdin=source, stdout=out_end)
    os.set_blocking(sink, False)
    with contextlib.suppress(BlockingIOError):
        while select.select([], [sink], [], 0.2)[1]:  # until neither the client nor the pipe takes more
            os.write(sink, b"x" * 65536)
    client.say(frames.STDOUT, b"still heard")
    assert os.read(out, 100) == b"still heard"
    client.sock.sendall(EXIT_7)
    assert client.exited() == 7


def test_large_output_arrives_whole(launch: Launch, pipes: Pipes) -> None:
    out, out_end = pipes()
    data = os.urandom(1 << 20)
    client = launch(stdin=None, stdout=out_end)
    pipes.close(out_end)
    pid = os.fork()
    if not pid:
        for _ in range(20):
            client.say(frames.STDOUT, data)
        client.sock.sendall(EXIT_7)
        os._exit(0)
    assert read_until(out, 21 << 20) == data * 20
    assert client.exited() == 7
    os.waitpid(pid, 0)


def test_nobody_reading_our_output_is_a_broken_pipe(launch: Launch, pipes: Pipes) -> None:
    out, out_end = pipes()
    pipes.close(out)
    client = launch(stdin=None, stdout=out_end)
    client.say(frames.STDOUT, b"x")
    assert client.exited() == 141


def test_signals_are_passed_on_until_somebody_insists(launch: Launch) -> None:
    client = launch(stdin=None)
    client.say(frames.STDERR, b"")
    _wait_for_handler(client.pid, signal.SIGUSR1)
    for number in (signal.SIGUSR1, signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        os.kill(client.pid, number)
        assert client.next_frame() == (frames.SIGNAL, b"%d" % number)
    os.kill(client.pid, signal.SIGINT)
    assert client.exited() == 130


def test_signals_are_not_passed_on_unless_asked(launch: Launch) -> None:
    client = launch(stdin=None, proxy_signals=False)
    os.kill(client.pid, signal.SIGTERM)
    assert client.exited() == -signal.SIGTERM


def _wait_for_handler(pid: int, number: int) -> None:
    """Until ``number`` is caught; SigCgt in proc(5)."""
    while True:
        with open(f"/proc/{pid}/status") as status:
            caught = next(line for line in status if line.startswith("SigCgt:"))
        if int(caught.split()[1], 16) >> (number - 1) & 1:
            return


def test_errors_of_the_guest_s_side_are_raised(launch: Launch) -> None:
    client = launch(stdin=None)
    client.say(frames.ERROR, b'{"error":"start_failed","message":"no such program","hint":"","exit_code":127}')
    client.sock.sendall(EXIT_7)
    assert client.exited() == 125


def test_a_lost_connection_is_an_error(launch: Launch) -> None:
    client = launch(stdin=None)
    client.sock.close()
    assert client.exited() == 125


def test_detaching_is_told_from_an_exit(launch: Launch) -> None:
    client = launch(stdin=None)
    client.say(frames.DETACHED)
    assert client.exited() == DETACHED & 0xFF


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Our side and the client's side of a terminal of 24 by 80."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def is_raw(fd: int) -> bool:
    return not termios.tcgetattr(fd)[3] & (termios.ECHO | termios.ICANON | termios.ISIG)


def launch_on(launch: Launch, theirs: int) -> Client:
    client = launch(session=True, stdin=theirs, stdout=theirs, stderr=theirs, raw=theirs, window=theirs)
    assert client.next_frame() == (frames.RESIZE, struct.pack(">HH", 24, 80))
    assert is_raw(theirs)
    return client


def test_terminal_is_raw_meanwhile_and_keys_pass(launch: Launch, terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    client = launch_on(launch, theirs)
    os.write(ours, b"\x03\r")
    assert client.next_frame() == (frames.STDIN, b"\x03\r")
    client.say(frames.STDOUT, b"hello\r\n")
    assert os.read(ours, 100) == b"hello\r\n"
    client.sock.sendall(EXIT_7)
    assert client.exited() == 7
    assert not is_raw(theirs)


def test_terminal_s_new_size_is_passed_on(launch: Launch, terminal: tuple[int, int]) -> None:
    client = launch_on(launch, terminal[1])
    fcntl.ioctl(terminal[1], termios.TIOCSWINSZ, struct.pack("HHHH", 50, 132, 0, 0))
    os.kill(client.pid, signal.SIGWINCH)
    assert client.next_frame() == (frames.RESIZE, struct.pack(">HH", 50, 132))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_terminal_is_restored_when_a_signal_ends_us(
    launch: Launch, terminal: tuple[int, int], number: signal.Signals
) -> None:
    client = launch_on(launch, terminal[1])
    os.kill(client.pid, number)
    assert client.exited() == 128 + number
    assert not is_raw(terminal[1])


def test_terminal_is_restored_when_the_connection_is_lost(launch: Launch, terminal: tuple[int, int]) -> None:
    client = launch_on(launch, terminal[1])
    client.sock.close()
    assert client.exited() == 125
    assert not is_raw(terminal[1])
