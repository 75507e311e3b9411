"""What a call's words mean, read from a guest's memory that may hold anything."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator

import pytest

from framework.guest_space import Guest, guest
from wirt.sentry.table import collect
from wirt.sentry.tracing import decode
from wirt.sentry.tracing.decode import Decoded, outcome, quoted
from wirt.sentry.tracing.names import BITS, VALUES, error_name, signal_name
from wirt.sentry.tracing.shapes import SHAPES, STRUCTS

CALLS = {call.name: call for call in collect().values()}


@pytest.fixture
def space() -> Iterator[Guest]:
    with guest() as made:
        yield made


def shown(space: Guest, name: str, *words: int, result: int | None = 0) -> str:
    return Decoded(space.task, CALLS[name], (*words, *[0] * (6 - len(words)))).text(result)


# -- the tables ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_of_calls_that_there_are_and_of_kinds_that_are_known(name: str) -> None:
    call = CALLS[name]
    assert not call.arguments or len(SHAPES[name]) == call.arity
    for kind in SHAPES[name]:
        simple, _, table = kind.partition(":")
        if table:
            assert table in (VALUES if simple == "value" else BITS)
        elif kind[0] in "<>":
            assert kind[1:] in STRUCTS
        else:
            assert kind in decode.KINDS


def test_every_call_of_the_table_has_kinds_that_are_known() -> None:
    for call in CALLS.values():
        for kind in call.arguments.split():
            simple, _, table = kind.partition(":")
            assert table in BITS if table else simple in decode.KINDS, (call.name, kind)


@pytest.mark.parametrize("name", STRUCTS)
def test_structures_have_a_name_for_each_value(name: str) -> None:
    layout, fields = STRUCTS[name]
    assert not fields or len(struct.unpack(layout, bytes(struct.calcsize(layout)))) == len(fields.split())


def test_names_of_errors_and_signals() -> None:
    assert (error_name(errno.EAGAIN), error_name(4000)) == ("EAGAIN", "4000")
    assert [signal_name(number) for number in (15, 33, 34, 36, 64, 0, 99)] == [
        "SIGTERM",
        "33",
        "SIGRTMIN",
        "SIGRT_4",
        "SIGRTMAX",
        "0",
        "99",
    ]


def test_outcomes() -> None:
    assert outcome(3) == "= 3"
    assert outcome(None) == "= ?"
    assert outcome(-errno.ENOENT) == "= -1 ENOENT (No such file or directory)"
    assert outcome(0x7F00_0000_0000, address=True) == "= 0x7f0000000000"


def test_quoted_text_cannot_upset_a_terminal() -> None:
    assert quoted(b'\x1b[31m"\n\xff') == '"\\x1b[31m\\"\\n\\xff"'
    assert quoted(b"x" * 40) == '"' + "x" * 32 + '"...'


# -- calls ---------------------------------------------------------------------------------------------


def test_paths_flags_and_modes(space: Guest) -> None:
    path = space.put(b"/etc/passwd")
    at = -100 & (1 << 64) - 1
    assert shown(space, "openat", at, path, os.O_RDONLY | os.O_CLOEXEC, 0o777) == (
        'AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC'
    )
    assert shown(space, "open", path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640) == (
        '"/etc/passwd", O_WRONLY|O_CREAT|O_TRUNC, 0640'
    )
    assert shown(space, "mkdir", path, 0o755) == '"/etc/passwd", 0755'
    assert shown(space, "access", path, 4) == '"/etc/passwd", R_OK'
    assert shown(space, "access", path, 0) == '"/etc/passwd", F_OK'


def test_buffers_are_shown_when_they_hold_something(space: Guest) -> None:
    buffer = space.put(b"hello\n" + b"." * 100)
    assert shown(space, "write", 1, buffer, 6) == '1, "hello\\n", 6'
    assert shown(space, "read", 0, buffer, 100, result=5) == '0, "hello", 100'
    assert shown(space, "read", 0, buffer, 100, result=-errno.EIO) == f"0, {buffer:#x}, 100"
    assert shown(space, "read", 0, buffer, 100, result=None) == f"0, {buffer:#x}, 100"
    vector = space.vector((buffer, 5), (buffer, 2))
    assert shown(space, "writev", 1, vector, 2) == ('1, [{iov_base="hello", iov_len=5}, {iov_base="he", iov_len=2}], 2')
    assert shown(space, "readv", 1, vector, 2, result=6).endswith('{iov_base="h", iov_len=2}], 2')


def test_memory_calls(space: Guest) -> None:
    assert shown(space, "mmap", 0, 4096, 3, 0x22, (1 << 64) - 1, 0) == (
        "NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0"
    )
    assert shown(space, "madvise", 0x1000, 4096, 4) == "0x1000, 4096, MADV_DONTNEED"


def test_structures(space: Guest) -> None:
    time = space.put(struct.pack("<qq", 1, 500))
    assert shown(space, "nanosleep", time, 0) == "{tv_sec=1, tv_nsec=500}, NULL"
    about = space.room(144)
    file = space.put(b"/etc")
    space.must("stat", file, about)
    assert "st_mode=S_IFDIR|0" in shown(space, "stat", file, about)
    assert shown(space, "stat", file, about, result=-errno.ENOENT) == f'"/etc", {about:#x}'
    pair = space.put(struct.pack("<ii", 3, 4))
    assert shown(space, "pipe2", pair, os.O_CLOEXEC) == "[3, 4], O_RDONLY|O_CLOEXEC"
    action = space.put(struct.pack("<QQQQ", 0x1234, 0x1000_0004, 0, 1 << 14))
    assert shown(space, "rt_sigaction", 2, action, 0, 8) == (
        "SIGINT, {sa_handler=0x1234, sa_flags=SA_SIGINFO|SA_RESTART, sa_restorer=0, sa_mask=[TERM]}, NULL, 8"
    )
    status = space.put(struct.pack("<i", 3 << 8))
    assert shown(space, "wait4", 5, status, 1, 0, result=5) == (
        "5, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], WNOHANG, NULL"
    )


def test_sockets(space: Guest) -> None:
    assert shown(space, "socket", 2, 1 | os.O_CLOEXEC | os.O_NONBLOCK, 0) == (
        "AF_INET, SOCK_STREAM|O_NONBLOCK|O_CLOEXEC, 0"
    )
    four = space.put(struct.pack("<H", 2) + struct.pack(">H", 80) + socket.inet_aton("10.0.0.1") + bytes(8))
    assert shown(space, "connect", 3, four, 16) == "3, {AF_INET, 10.0.0.1:80}, 16"
    path = space.put(struct.pack("<H", 1) + b"/run/x\0")
    assert shown(space, "bind", 3, path, 9) == '3, {AF_UNIX, "/run/x"}, 9'
    assert shown(space, "setsockopt", 3, 1, 2, space.put(b"\1\0\0\0"), 4) == "3, SOL_SOCKET, SO_REUSEADDR, [1], 4"


def test_waiting(space: Guest) -> None:
    files = space.put(struct.pack("<ihh", 3, 1, 1))
    assert shown(space, "poll", files, 1, 1000, result=1) == "[{fd=3, events=POLLIN, revents=POLLIN}], 1, 1000"
    word = space.put(bytes(4))
    assert shown(space, "futex", word, 128, 1, 0) == f"{word:#x}, FUTEX_WAIT|FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0"
    event = space.put(struct.pack("<IQ", 1, 7))
    assert shown(space, "epoll_ctl", 4, 1, 5, event) == "4, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data=0x7}"


def test_programs(space: Guest) -> None:
    text = space.put(b"ls")
    words = space.put(struct.pack("<QQ", text, 0))
    assert shown(space, "execve", text, words, words) == f'"ls", ["ls"], {words:#x} /* 1 vars */'
    assert shown(space, "clone", 0x1200011, 0, 0, 0, 0).startswith("CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD")


HOSTILE = (0, 1, (1 << 64) - 1, 1 << 63, 1 << 47, 0x7FFF_FFFF_F000)


def test_nothing_that_a_guest_passes_is_a_fault_of_ours(space: Guest) -> None:
    for call in CALLS.values():
        for word in (*HOSTILE, space.base, space.hole(), space.hole() - 1):
            for words in ((word,) * 6, (word, 1 << 40) * 3, (3, word, (1 << 64) - 1) * 2):
                for result in (7, 1 << 40, None):
                    made = Decoded(space.task, call, words)
                    assert len(made.text(result)) < 20_000
                    assert made.outcome(result)
