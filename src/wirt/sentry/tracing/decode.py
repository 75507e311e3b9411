"""A call's words as a person reads them, in the manner of strace(1).

Each word has a kind, from ``shapes`` or else from the call's own entry in the table:

- ``int uint hex size off mode fd pid sig ptr``: numbers; ``path``: a string; ``at``: a descriptor or AT_FDCWD;
- ``bits:NAME`` (also ``flags:NAME``), ``value:NAME``: names from ``names``;
- ``<NAME``, ``>NAME``: a structure of ``shapes.STRUCTS`` that the call reads, or fills;
- ``from``, ``into``: bytes that it reads (as many as the next word says), or fills (as many as it returns);
- and those of ``_SPECIAL``.

What a call reads is looked at before it is made, what it fills afterwards. Everything is read from the guest's memory,
shortened, and never trusted: a bad address is shown as the number that it is.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Callable
from typing import Any

from wirt.sentry.table import Call
from wirt.sentry.task import Task
from wirt.sentry.tracing.names import BITS, VALUES, ZERO, error_name, signal_name
from wirt.sentry.tracing.shapes import SHAPES, STRUCTS
from wirt.sentry.words import s32, s64

__all__ = ["KINDS", "Decoded", "outcome", "quoted"]

_SHOWN = 32  # bytes of a buffer
_PATH_SHOWN = 160
_MOST = 8  # elements of an array
_INFINITE = 0xFFFF_FFFF_FFFF_FFFF
_POINTERS = frozenset(("mmap", "brk", "mremap", "shmat"))  # calls whose result is an address


class Decoded:
    """One call's arguments: made before it is made, finished when it is over."""

    __slots__ = ("_call", "_kinds", "_shown", "_task", "_words")

    def __init__(self, task: Task, call: Call, words: tuple[int, ...]) -> None:
        self._task, self._call = task, call
        self._kinds = SHAPES.get(call.name) or tuple(call.arguments.split())
        self._words = words[: len(self._kinds)]
        self._shown: list[str | None] = [
            None if kind in _LATE or kind[0] == ">" else self._show(index, kind)
            for index, kind in enumerate(self._kinds)
        ]

    def text(self, result: int | None) -> str:
        """``3, "hello"..., 5``. ``result``: what it returned; None: nothing, or nothing yet."""
        for index, kind in enumerate(self._kinds):
            if self._shown[index] is None:
                filled = kind in _BOTH or (result is not None and result >= 0)
                self._shown[index] = self._show(index, kind, result or 0) if filled else _pointer(self._words[index])
        return ", ".join(text for text in self._shown if text)

    def outcome(self, result: int | None) -> str:
        return outcome(result, address=self._call.name in _POINTERS)

    def _show(self, index: int, kind: str, result: int = 0) -> str:
        word = self._words[index]
        try:
            if kind[0] in "<>":
                return _structure(self._task, kind[1:], word)
            simple, _, name = kind.partition(":")
            if name:
                return _value(name, word) if simple == "value" else _bits(name, word)
            if special := _SPECIAL.get(kind):
                return special(self._task, self._words, index, result)
            return _NUMBERS.get(kind, _plain)(word)
        except (OSError, struct.error, ValueError, OverflowError):
            return _pointer(word)


def outcome(result: int | None, *, address: bool = False) -> str:
    """``= 5``, ``= -1 ENOENT (No such file or directory)`` or ``= ?``."""
    if result is None:
        return "= ?"
    if -4096 < result < 0:
        return f"= -1 {error_name(-result)} ({os.strerror(-result)})"
    return f"= {result:#x}" if address else f"= {result}"


def quoted(data: bytes, limit: int = _SHOWN) -> str:
    """A C string literal of at most ``limit`` bytes."""
    text = data[:limit].decode("latin-1").encode("unicode_escape").decode("ascii").replace('"', '\\"')
    return f'"{text}"' + ("..." if len(data) > limit else "")


quoted(b"")  # a codec is a module, and a process in the jail can load none


# -- numbers -------------------------------------------------------------------------------------------


def _pointer(word: int) -> str:
    return f"{word:#x}" if word else "NULL"


def _plain(word: int) -> str:
    return str(s64(word)) if word < 1 << 20 or word >> 63 else f"{word:#x}"


def _bits(name: str, word: int) -> str:
    """The names of the bits that are set, and what is left as a number."""
    known = BITS.get(name, {})
    names = [text for bit, text in known.items() if word & bit == bit]
    rest = word if name == "clone" else word & 0xFFFF_FFFF
    for bit in known:
        rest &= ~bit
    if name in ZERO and not word & (3 if name == "open" else _INFINITE):
        names.insert(0, ZERO[name])
    if rest:
        names.append(f"{rest:#x}")
    return "|".join(names) or "0"


def _value(name: str, word: int) -> str:
    known = VALUES.get(name, {})
    return known.get(s32(word)) or known.get(word & 0xFFFF_FFFF) or (
        str(s32(word)) if abs(s32(word)) < 1 << 20 else f"{word & 0xFFFF_FFFF:#x}"
    )  # fmt: skip


_NUMBERS: dict[str, Callable[[int], str]] = {
    **dict.fromkeys(("fd", "int", "pid"), lambda word: str(s32(word))),
    **dict.fromkeys(("size", "uint"), str),
    "off": lambda word: str(s64(word)),
    "hex": lambda word: f"{word:#x}" if word else "0",
    "mode": lambda word: f"0{word & 0o7777:03o}",
    "octal": lambda word: f"0{word:o}",
    "at": lambda word: "AT_FDCWD" if s32(word) == -100 else str(s32(word)),
    "ptr": _pointer,
    "buf": _pointer,
    "out": _pointer,
    "sig": lambda word: signal_name(s32(word)),
    "prot": lambda word: _bits("prot", word),
    "map": lambda word: _bits("map", word),
    "limit": lambda word: "RLIM64_INFINITY" if word == _INFINITE else str(word),
    "handler": lambda word: {0: "SIG_DFL", 1: "SIG_IGN"}.get(word, f"{word:#x}"),
    "clone": lambda word: _join(_bits("clone", word & ~0xFF), signal_name(word & 0xFF) if word & 0xFF else ""),
    "socktype": lambda word: _join(_value("socket", word & 0xF), _bits("open", word & ~0xF | 1)[9:]),
    "futex": lambda word: _join(
        _value("futex", word & 0x7F), "FUTEX_PRIVATE_FLAG" * (word >> 7 & 1), "FUTEX_CLOCK_REALTIME" * (word >> 8 & 1)
    ),
}


def _join(*parts: str) -> str:
    return "|".join(part.strip("|") for part in parts if part and part != "0") or "0"


# -- structures ----------------------------------------------------------------------------------------


def _structure(task: Task, name: str, address: int) -> str:
    if not address:
        return "NULL"
    layout, fields = STRUCTS[name]
    values = struct.unpack(layout, task.mm.read(address, struct.calcsize(layout)))
    if not fields:
        return f"[{', '.join(map(str, values))}]"
    shown = []
    for field, value in zip(fields.split(), values, strict=True):
        label, _, kind = field.partition(":")
        text = _field(kind, value)
        shown.append(f"{label}={text}" if label else text)
    whole = ", ".join(shown)
    return whole if fields.startswith(":") else f"{{{whole}}}"


def _field(kind: str, value: Any) -> str:
    if isinstance(value, bytes):
        return quoted(value.partition(b"\0")[0])
    if kind in BITS:
        return _bits(kind, value)
    if kind in _FIELDS:
        return _FIELDS[kind](value)
    return _NUMBERS[kind](value) if kind else str(value)


def _file_type(mode: int) -> str:
    kinds = {stat.S_IFREG: "S_IFREG", stat.S_IFDIR: "S_IFDIR", stat.S_IFLNK: "S_IFLNK", stat.S_IFCHR: "S_IFCHR",
             stat.S_IFBLK: "S_IFBLK", stat.S_IFIFO: "S_IFIFO", stat.S_IFSOCK: "S_IFSOCK"}  # fmt: skip
    return f"{kinds.get(stat.S_IFMT(mode), f'{stat.S_IFMT(mode):#o}')}|0{stat.S_IMODE(mode):03o}"


def _signals(mask: int) -> str:
    """``[INT TERM]``, or ``~[KILL]`` where nearly all are in it."""
    sign, mask = ("~", ~mask & _INFINITE) if mask.bit_count() > 32 else ("", mask)
    names = (signal_name(number).removeprefix("SIG") for number in range(1, 65) if mask >> number - 1 & 1)
    return f"{sign}[{' '.join(names)}]"


def _status(status: int) -> str:
    """wait(2)'s."""
    if os.WIFEXITED(status):
        return f"[{{WIFEXITED(s) && WEXITSTATUS(s) == {os.WEXITSTATUS(status)}}}]"
    if os.WIFSIGNALED(status):
        return f"[{{WIFSIGNALED(s) && WTERMSIG(s) == {signal_name(os.WTERMSIG(status))}}}]"
    return f"[{status:#x}]"


_FIELDS: dict[str, Callable[[int], str]] = {"filetype": _file_type, "sigset": _signals, "status": _status}

# -- the rest: each knows the other words --------------------------------------------------------------

_Special = Callable[[Task, tuple[int, ...], int, int], str]


def _path(task: Task, words: tuple[int, ...], index: int, _result: int) -> str:
    return quoted(task.mm.string(words[index]), _PATH_SHOWN) if words[index] else "NULL"


def _bytes(task: Task, address: int, size: int) -> str:
    if not address:
        return "NULL"
    return quoted(task.mm.read(address, min(size, _SHOWN)) + b"." * (size > _SHOWN))


def _from(task: Task, words: tuple[int, ...], index: int, _result: int) -> str:
    return _bytes(task, words[index], words[index + 1])


def _into(task: Task, words: tuple[int, ...], index: int, result: int) -> str:
    return _bytes(task, words[index], min(result, words[index + 1]))


def _open_mode(_task: Task, words: tuple[int, ...], index: int, _result: int) -> str:
    """Of a file that may be made; without that it is whatever is in the register."""
    return _NUMBERS["mode"](words[index]) if words[index - 1] & (os.O_CREAT | 0o20000000) else ""


def _iovecs(task: Task, words: tuple[int, ...], index: int, _result: int) -> str:
    return _vector(task, words[index], words[index + 1], _INFINITE)


def _iovecs_out(task: Task, words: tuple[int, ...], index: int, result: int) -> str:
    return _vector(task, words[index], words[index + 1], result)


def _vector(task: Task, address: int, count: int, left: int) -> str:
    shown = []
    for number in range(min(count, _MOST)):
        base, size = struct.unpack("<QQ", task.mm.read(address + 16 * number, 16))
        length = min(size, left)
        shown.append(f"{{iov_base={_bytes(task, base, length)}, iov_len={size}}}")
        left -= length
    return f"[{', '.join(shown)}{', ...' * (count > _MOST)}]"


def _strings(task: Task, words: tuple[int, ...], index: int, _result: int) -> str:
    shown: list[str] = []
    address = words[index]
    while address and len(shown) < _MOST and (pointer := task.mm.u64(address)):
        shown.append(quoted(task.mm.string(pointer, 1 << 17)))
        address += 8
    return f"[{', '.join(shown)}{', ...' * (len(shown) == _MOST)}]" if words[index] else "NULL"


def _environment(task: Task, words: tuple[int, ...], index: int, _result: int) -> str:
    """Its size alone, as strace has it: what is in it is long, and may be secret."""
    count, address = 0, words[index]
    while address and count < 1000 and task.mm.u64(address):
        count, address = count + 1, address + 8
    return f"{_pointer(words[index])} /* {count} vars */"


def _socket_address(task: Task, words: tuple[int, ...], index: int, _result: int) -> str:
    return _address(task, words[index], words[index + 1])


def _socket_address_out(task: Task, words: tuple[int, ...], index: int, _result: int) -> str:
    length = words[index + 1]
    return _address(task, words[index], task.mm.u32(length)) if words[index] and length else _pointer(words[index])


def _address(task: Task, address: int, size: int) -> str:
    if not address:
        return "NULL"
    raw = task.mm.read(address, min(size, 128))
    family = int.from_bytes(raw[:2], "little")
    if family == socket.AF_UNIX:
        abstract = "@" * (raw[2:3] == bytes(1))
        return f"{{AF_UNIX, {abstract}{quoted(raw[2:].strip(bytes(1)).partition(bytes(1))[0], 108)}}}"
    if family == socket.AF_INET and len(raw) >= 8:
        return f"{{AF_INET, {socket.inet_ntoa(raw[4:8])}:{int.from_bytes(raw[2:4], 'big')}}}"
    if family == socket.AF_INET6 and len(raw) >= 24:
        text = socket.inet_ntop(socket.AF_INET6, raw[8:24])
        return f"{{AF_INET6, [{text}]:{int.from_bytes(raw[2:4], 'big')}}}"
    return f"{{{_value('domain', family)}, {quoted(raw[2:])}}}"


def _message(task: Task, words: tuple[int, ...], index: int, _result: int, left: int = _INFINITE) -> str:
    """struct msghdr."""
    name, size, vector, count, control, length, _ = struct.unpack("<QI4xQQQQI4x", task.mm.read(words[index], 56))
    parts = [f"msg_name={_address(task, name, size)}"] if name else []
    parts.append(f"msg_iov={_vector(task, vector, count, left)}")
    if control:
        parts.append(f"msg_controllen={length}")
    return f"{{{', '.join(parts)}}}"


def _message_out(task: Task, words: tuple[int, ...], index: int, result: int) -> str:
    return _message(task, words, index, result, result)


def _poll(task: Task, words: tuple[int, ...], index: int, _result: int) -> str:
    shown = []
    for number in range(min(words[index + 1], _MOST)):
        fd, events, revents = struct.unpack("<ihh", task.mm.read(words[index] + 8 * number, 8))
        answer = f", revents={_bits('poll', revents)}" if revents else ""
        shown.append(f"{{fd={fd}, events={_bits('poll', events)}{answer}}}")
    return f"[{', '.join(shown)}{', ...' * (words[index + 1] > _MOST)}]"


def _epoll(task: Task, words: tuple[int, ...], index: int, result: int) -> str:
    many = (_structure(task, "epoll_event", words[index] + 12 * number) for number in range(min(result, _MOST)))
    return f"[{', '.join(many)}{', ...' * (result > _MOST)}]"


def _fd_set(task: Task, words: tuple[int, ...], index: int, _result: int) -> str:
    if not words[index]:
        return "NULL"
    count = max(0, min(s32(words[0]), 1024))
    found = int.from_bytes(task.mm.read(words[index], (count + 63) // 64 * 8), "little")
    return f"[{' '.join(str(fd) for fd in range(count) if found >> fd & 1)}]"


def _entries(_task: Task, words: tuple[int, ...], index: int, result: int) -> str:
    return f"{_pointer(words[index])} /* {result} bytes of entries */"


def _times(task: Task, words: tuple[int, ...], index: int, _result: int) -> str:
    if not words[index]:
        return "NULL"
    return f"[{', '.join(_structure(task, 'timespec', words[index] + at) for at in (0, 16))}]"


def _ioctl(task: Task, words: tuple[int, ...], index: int, _result: int) -> str:
    request = VALUES["ioctl"].get(words[index - 1] & 0xFFFF_FFFF, "")
    if request in ("TIOCGWINSZ", "TIOCSWINSZ"):
        return _structure(task, "winsize", words[index])
    if request in ("FIONREAD", "FIONBIO", "TIOCGPGRP", "TIOCSPGRP", "TIOCGPTN", "TIOCSPTLCK"):
        return _structure(task, "i32", words[index])
    return _pointer(words[index])


def _prctl(task: Task, words: tuple[int, ...], index: int, _result: int) -> str:
    option = VALUES["prctl"].get(s32(words[0]), "")
    return quoted(task.mm.string(words[index], 16)) if option.endswith("_NAME") else _NUMBERS["hex"](words[index])


def _fcntl(_task: Task, words: tuple[int, ...], index: int, _result: int) -> str:
    command = VALUES["fcntl"].get(s32(words[index - 1]), "")
    if command in ("F_SETFL", "F_SETFD"):
        return _bits("open" if command == "F_SETFL" else "fd", words[index])
    return _pointer(words[index]) if "LK" in command else str(s32(words[index]))


def _socket_option(_task: Task, words: tuple[int, ...], index: int, _result: int) -> str:
    return _value(VALUES["level"].get(s32(words[index - 1]), ""), words[index])


def _option_value(task: Task, words: tuple[int, ...], index: int, _result: int) -> str:
    if words[index + 1] == 4:
        return _structure(task, "i32", words[index])
    return _bytes(task, words[index], words[index + 1])


def _futex_limit(task: Task, words: tuple[int, ...], index: int, _result: int) -> str:
    waits = words[index - 2] & 0x7F in (0, 6, 9, 11, 13)
    return _structure(task, "timespec", words[index]) if waits else _plain(words[index])


_SPECIAL: dict[str, _Special] = {
    "path": _path,
    "argv": _strings,
    "openmode": _open_mode,
    "envp": _environment,
    "from": _from,
    "into": _into,
    "iovecs": _iovecs,
    "iovecs-out": _iovecs_out,
    "sockaddr": _socket_address,
    "sockaddr-out": _socket_address_out,
    "msghdr": _message,
    "msghdr-out": _message_out,
    "pollfds": _poll,
    "epoll_events": _epoll,
    "fdset": _fd_set,
    "entries": _entries,
    "times": _times,
    "ioctlarg": _ioctl,
    "fcntlarg": _fcntl,
    "prctlarg": _prctl,
    "sockopt": _socket_option,
    "optval": _option_value,
    "futexlimit": _futex_limit,
}
_BOTH = frozenset(("pollfds", "ioctlarg", "prctlarg"))  # are read, then filled
_LATE = _BOTH | {"into", "iovecs-out", "sockaddr-out", "msghdr-out", "epoll_events", "entries"}
KINDS = frozenset((*_NUMBERS, *_SPECIAL))  # without what a colon or an angle bracket says
