"""A real zygote, real keepers, real programs; the daemon's side is played by the test."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wirt.keeper import channel, zygote
from wirt.keeper.frames import FrameReader, FrameType, encode

PATIENCE = 20.0
EVERYTHING = {"stdin": True, "stdout": True, "stderr": True, "stdin_once": True, "detach_keys": list(b"\x10\x11")}
FINISH = {"op": "finish", "program": "", "error": ""}

# A runtime in miniature: starts the program, leaves it an orphan, writes its pid and ends.
LAUNCHER = """
import os, sys
pid_file, *argv = sys.argv[1:]
pid = os.fork()
if pid == 0:
    os.execvp(argv[0], argv)
with open(pid_file, "w") as file:
    file.write(str(pid))
"""
# The same with a terminal, whose master goes over the console socket.
TERMINAL_LAUNCHER = """
import os, pty, socket, sys
pid_file, console, *argv = sys.argv[1:]
pid, master = pty.fork()
if pid == 0:
    os.execvp(argv[0], argv)
with socket.socket(socket.AF_UNIX) as sock:
    sock.connect(console)
    socket.send_fds(sock, [b"pty"], [master])
with open(pid_file, "w") as file:
    file.write(str(pid))
"""


class Peer:
    """A client's end of a session."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.frames: list[tuple[FrameType, bytes]] = []
        self._reader = FrameReader()

    def read_until(self, done: Callable[[Peer], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not done(self):
            ready, _, _ = select.select([self.sock], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"nothing more came: {self.frames}"
            data = self.sock.recv(65536)
            if not data:
                return
            self.frames += self._reader.feed(data)

    def output(self, kind: FrameType = FrameType.STDOUT) -> bytes:
        return b"".join(payload for frame, payload in self.frames if frame is kind)

    def kinds(self) -> list[FrameType]:
        return [kind for kind, _ in self.frames]

    @property
    def exit_code(self) -> int:
        [code] = [struct.unpack(">i", payload)[0] for kind, payload in self.frames if kind is FrameType.EXIT]
        return int(code)

    def read_to_end(self) -> None:
        self.read_until(lambda peer: FrameType.EXIT in peer.kinds())


class Bench:
    """One keeper and the channel to it."""

    def __init__(self, requests: socket.socket, folder: Path) -> None:
        self.folder = folder
        self.run_dir = folder / "run"
        self.run_dir.mkdir()
        self.control, theirs = channel.pair()
        self.sockets = [self.control]
        with theirs:
            channel.send(
                requests, {"guest_dir": str(folder), "run_dir": str(self.run_dir), "platform": ""}, [theirs.fileno()]
            )
        self.hello = self.expect("hello")

    def plan(self, *argv: str, terminal: bool = False) -> dict[str, Any]:
        pid_file = str(self.folder / "pid")
        console = str(self.folder / "console.sock")
        launcher = TERMINAL_LAUNCHER if terminal else LAUNCHER
        return {
            "argv": [sys.executable, "-ISc", launcher, pid_file, *([console] if terminal else []), *argv],
            "pid_file": pid_file,
            "console": "socket" if terminal else "none",
            "console_socket": console,
            "error_log": str(self.folder / "errors"),
            "env": [f"PATH={os.environ['PATH']}"],
            "cwd": "/",
            "monitor": "",
            "pid_ns": "",
        }

    def start(self, *argv: str, open_stdin: bool = False, terminal: bool = False, max_size: int = 1 << 20) -> None:
        log = {"path": str(self.folder / "log.json"), "max_size": max_size, "max_files": 3}
        plan = self.plan(*argv, terminal=terminal)
        self.tell(op="start", plan=plan, log=log, open_stdin=open_stdin, rows=24, cols=80)

    def tell(self, fd: int | None = None, **message: Any) -> None:
        channel.send(self.control, message, [] if fd is None else [fd])

    def pair(self) -> tuple[socket.socket, socket.socket]:
        ours, theirs = socket.socketpair()
        self.sockets.append(ours)
        return ours, theirs

    def attach(self, **options: Any) -> Peer:
        ours, theirs = self.pair()
        with theirs:
            self.tell(theirs.fileno(), op="attach", program="", options=EVERYTHING | options)
        return Peer(ours)

    def expect(self, event: str) -> dict[str, Any]:
        ready, _, _ = select.select([self.control], [], [], PATIENCE)
        assert ready, f"no {event}"
        message, _ = channel.receive(self.control)
        assert message["event"] == event, message
        return message

    def reconnect(self) -> dict[str, Any]:
        """As a new daemon would."""
        self.control = channel.connect(str(self.run_dir / "keeper.sock"))
        self.sockets.append(self.control)
        return self.expect("hello")

    def finish(self, code: int) -> None:
        self.tell(**FINISH, code=code)

    def logged(self) -> str:
        lines = (self.folder / "log.json").read_text().splitlines()
        return "".join(json.loads(line)["log"] for line in lines)

    def wait_gone(self) -> None:
        try:
            fd = os.pidfd_open(self.hello["keeper_pid"])
        except ProcessLookupError:
            return
        try:
            assert select.select([fd], [], [], PATIENCE)[0], "the keeper stays"
        finally:
            os.close(fd)


@pytest.fixture
def requests() -> Iterator[socket.socket]:
    process, sock = zygote.spawn()
    yield sock
    sock.close()
    assert process.wait(PATIENCE) == 0


@pytest.fixture
def bench(requests: socket.socket, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(requests, tmp_path)
    yield bench
    for sock in bench.sockets:
        sock.close()
    with contextlib.suppress(ProcessLookupError):
        fd = os.pidfd_open(bench.hello["keeper_pid"])
        signal.pidfd_send_signal(fd, signal.SIGKILL)
        os.close(fd)


def test_keeper_passes_output_and_exit_code(bench: Bench) -> None:
    peer = bench.attach(stdin=False)
    bench.start("sh", "-c", "echo out; echo err >&2; exit 7")
    assert bench.expect("started")["pid"] > 0
    assert bench.expect("exited")["code"] == 7
    bench.finish(7)
    peer.read_to_end()
    assert (peer.output(), peer.output(FrameType.STDERR), peer.exit_code) == (b"out\n", b"err\n", 7)
    assert "out\n" in bench.logged() and "err\n" in bench.logged()
    bench.wait_gone()
    assert not (bench.run_dir / "keeper.sock").exists()


def test_keeper_reports_death_by_signal(bench: Bench) -> None:
    bench.start("sh", "-c", "kill -9 $$")
    bench.expect("started")
    assert bench.expect("exited")["code"] == 137


def test_guest_starts_with_no_signal_ignored(bench: Bench) -> None:
    log = {"path": str(bench.folder / "log.json"), "max_size": 1000, "max_files": 2}
    plan = bench.plan() | {"argv": ["/bin/grep", "SigIgn", "/proc/self/status"], "pid_file": ""}
    bench.tell(op="start", plan=plan, log=log, open_stdin=False, rows=0, cols=0)
    bench.expect("started")
    bench.expect("exited")
    standard = (1 << 31) - 1  # glibc keeps 32 and 33 to itself
    assert int(bench.logged().split()[1], 16) & standard == 0


def test_keeper_writes_the_exit_down(bench: Bench) -> None:
    before = time.time()
    bench.start("sh", "-c", "exit 3")
    bench.expect("started")
    bench.expect("exited")
    left = json.loads((bench.folder / "exit.json").read_text())
    assert (left["code"], left["error"]) == (3, "")
    assert before <= left["started"] <= left["finished"] <= time.time()


def test_keeper_reports_a_failed_launch_in_the_launchers_words(bench: Bench) -> None:
    peer = bench.attach(stdin=False)
    log = {"path": str(bench.folder / "log.json"), "max_size": 1000, "max_files": 2}
    plan = bench.plan("x") | {"argv": ["/bin/sh", "-c", "echo no such thing >&2; exit 1"]}
    bench.tell(op="start", plan=plan, log=log, open_stdin=False, rows=0, cols=0)
    assert bench.expect("failed")["text"] == "no such thing"
    bench.tell(**FINISH | {"error": '{"message":"it failed"}'}, code=127)
    peer.read_to_end()
    assert peer.kinds() == [FrameType.ERROR, FrameType.EXIT]
    assert peer.exit_code == 127
    assert bench.logged() == ""


def test_keeper_reports_a_missing_launcher(bench: Bench) -> None:
    log = {"path": str(bench.folder / "log.json"), "max_size": 1000, "max_files": 2}
    plan = bench.plan("x") | {"argv": ["/nowhere/runtime"]}
    bench.tell(op="start", plan=plan, log=log, open_stdin=False, rows=0, cols=0)
    assert "No such file" in bench.expect("failed")["text"]


def test_keeper_passes_input_and_its_end(bench: Bench) -> None:
    peer = bench.attach()
    bench.start("cat", open_stdin=True)
    bench.expect("started")
    peer.sock.sendall(encode(FrameType.STDIN, b"hello\n") + encode(FrameType.STDIN))
    assert bench.expect("exited")["code"] == 0
    bench.finish(0)
    peer.read_to_end()
    assert peer.output() == b"hello\n"


def test_keeper_passes_megabytes_both_ways_without_loss(bench: Bench) -> None:
    peer = bench.attach()
    bench.start("cat", open_stdin=True, max_size=64 << 20)
    bench.expect("started")
    payload = os.urandom(1 << 16)
    sent = 0
    peer.sock.setblocking(False)
    out = b""
    deadline = time.monotonic() + PATIENCE
    while len(peer.output()) < 64 * len(payload):
        assert time.monotonic() < deadline
        if not out and sent < 64:
            out, sent = encode(FrameType.STDIN, payload), sent + 1
        readable, writable, _ = select.select([peer.sock], [peer.sock] if out else [], [], 1)
        if writable:
            with contextlib.suppress(BlockingIOError):
                out = out[peer.sock.send(out) :]
        if readable:
            peer.frames += peer._reader.feed(peer.sock.recv(1 << 20))
    assert peer.output() == payload * 64


def test_keeper_ends_input_when_the_client_vanishes(bench: Bench) -> None:
    peer = bench.attach()
    bench.start("cat", open_stdin=True)
    bench.expect("started")
    peer.sock.close()
    assert bench.expect("exited")["code"] == 0


def test_keeper_keeps_input_open_for_the_next_client(bench: Bench) -> None:
    first = bench.attach(stdin_once=False)
    bench.start("cat", open_stdin=True)
    bench.expect("started")
    first.sock.close()
    second = bench.attach(stdin_once=False)
    second.sock.sendall(encode(FrameType.STDIN, b"still here\n"))
    second.read_until(lambda peer: peer.output() == b"still here\n")


def test_keeper_gives_a_terminal_with_its_size(bench: Bench) -> None:
    peer = bench.attach()
    # The launcher starts the program with no regard to how far the keeper is with the terminal it was sent.
    sized = "while [ \"$(stty size)\" = '0 0' ]; do :; done; stty size; read line; stty size"
    bench.start("sh", "-c", sized, open_stdin=True, terminal=True)
    bench.expect("started")
    peer.read_until(lambda peer: b"24 80" in peer.output())
    peer.sock.sendall(encode(FrameType.RESIZE, struct.pack(">HH", 30, 100)) + encode(FrameType.STDIN, b"\n"))
    bench.expect("exited")
    bench.finish(0)
    peer.read_to_end()
    assert b"30 100" in peer.output()


def test_keeper_lets_go_at_the_detach_keys(bench: Bench) -> None:
    peer = bench.attach()
    bench.start("cat", open_stdin=True, terminal=True)
    bench.expect("started")
    peer.sock.sendall(encode(FrameType.STDIN, b"a\x10") + encode(FrameType.STDIN, b"\x11"))
    peer.read_until(lambda peer: FrameType.DETACHED in peer.kinds())
    assert bench.reconnect()["state"] == "running"


def test_keeper_passes_withheld_keys_on_when_others_follow(bench: Bench) -> None:
    peer = bench.attach()
    bench.start("sh", "-c", "stty raw -echo; echo ready; head -c 3", open_stdin=True, terminal=True)
    bench.expect("started")
    peer.read_until(lambda peer: b"ready" in peer.output())
    peer.sock.sendall(encode(FrameType.STDIN, b"\x10") + encode(FrameType.STDIN, b"\x10x"))
    bench.expect("exited")
    bench.finish(0)
    peer.read_to_end()
    assert peer.output().endswith(b"\x10\x10x")


def test_keeper_forwards_a_clients_signal(bench: Bench) -> None:
    peer = bench.attach()
    bench.start("sh", "-c", "trap 'exit 42' TERM; echo ready; while :; do sleep 0.05; done")
    bench.expect("started")
    peer.read_until(lambda peer: b"ready" in peer.output())
    peer.sock.sendall(encode(FrameType.SIGNAL, b"TERM"))
    assert bench.expect("exited")["code"] == 42


def test_keeper_drops_a_client_that_does_not_speak_frames(bench: Bench) -> None:
    peer = bench.attach()
    bench.start("cat", open_stdin=True)
    bench.expect("started")
    peer.sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert bench.expect("exited")["code"] == 0
    assert peer.sock.recv(10) == b""


def test_keeper_runs_commands_beside_the_guest(bench: Bench) -> None:
    bench.start("sleep", "60")
    bench.expect("started")
    ours, theirs = bench.pair()
    peer = Peer(ours)
    plan = bench.plan("sh", "-c", "echo beside; exit 5") | {"pid_file": str(bench.folder / "exec.pid")}
    plan["argv"][3] = plan["pid_file"]
    with theirs:
        bench.tell(
            theirs.fileno(), op="exec", program="e1", plan=plan, open_stdin=False, rows=0, cols=0, options=EVERYTHING
        )
    assert bench.expect("started")["program"] == "e1"
    assert bench.expect("exited") == {"event": "exited", "program": "e1", "code": 5}
    peer.read_to_end()
    assert (peer.output(), peer.exit_code) == (b"beside\n", 5)
    assert "beside" not in bench.logged()
    bench.tell(op="signal", program="", signal="SIGKILL")
    assert bench.expect("exited")["code"] == 137


def test_guest_and_log_go_on_without_a_daemon(bench: Bench) -> None:
    peer = bench.attach(stdin_once=False)
    bench.start("sh", "-c", "while read line; do echo got $line; done; exit 9", open_stdin=True)
    bench.expect("started")
    bench.control.close()
    peer.sock.sendall(encode(FrameType.STDIN, b"one\n"))
    peer.read_until(lambda peer: peer.output() == b"got one\n")
    hello = bench.reconnect()
    assert (hello["state"], hello["pid"] > 0, hello["outcome"]) == ("running", True, None)
    assert bench.logged() == "got one\n"
    bench.tell(op="signal", program="", signal="9")
    assert bench.expect("exited")["code"] == 137


def test_clients_learn_the_exit_without_a_daemon(bench: Bench) -> None:
    peer = bench.attach()
    bench.start("sh", "-c", "read line; exit 9", open_stdin=True)
    bench.expect("started")
    bench.control.close()
    peer.sock.sendall(encode(FrameType.STDIN, b"\n"))
    peer.read_to_end()
    assert peer.exit_code == 9
    bench.wait_gone()
    assert json.loads((bench.folder / "exit.json").read_text())["code"] == 9


def test_keeper_that_was_told_nothing_ends_with_its_daemon(bench: Bench) -> None:
    bench.control.close()
    bench.wait_gone()


def test_a_client_that_does_not_read_stops_the_output_not_the_keeper(bench: Bench) -> None:
    lazy = bench.attach(stdin=False)
    bench.start("sh", "-c", "yes | head -c 8000000", max_size=64 << 20)
    bench.expect("started")
    assert bench.reconnect()["state"] == "running"
    lazy.read_until(lambda peer: len(peer.output()) == 8_000_000)
    assert bench.expect("exited")["code"] == 0
