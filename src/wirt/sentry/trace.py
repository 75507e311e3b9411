"""``wirt trace``: system calls as a person reads them, in the manner of strace(1).

A call's ``arguments`` name a kind each. What is not known here is shown as a number; strings are read from the guest's
memory, shortened, and never trusted: a bad address is shown as the number it is.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import time
from collections.abc import Callable

from wirt.host import _native
from wirt.sentry.table import Call
from wirt.sentry.task import Task
from wirt.sentry.words import s32, s64

__all__ = ["arguments", "outcome", "quoted", "record"]

_SHOWN = 32  # bytes of a buffer
_BITS: dict[str, dict[int, str]] = {
    "prot": {1: "PROT_READ", 2: "PROT_WRITE", 4: "PROT_EXEC"},
    "map": {1: "MAP_SHARED", 2: "MAP_PRIVATE", 0x10: "MAP_FIXED", 0x20: "MAP_ANONYMOUS", 0x800: "MAP_DENYWRITE",
            0x4000: "MAP_NORESERVE", 0x20000: "MAP_STACK", 0x100000: "MAP_FIXED_NOREPLACE"},
    "open": {os.O_WRONLY: "O_WRONLY", os.O_RDWR: "O_RDWR", os.O_CREAT: "O_CREAT", os.O_EXCL: "O_EXCL",
             os.O_TRUNC: "O_TRUNC", os.O_APPEND: "O_APPEND", os.O_NONBLOCK: "O_NONBLOCK",
             os.O_DIRECTORY: "O_DIRECTORY", os.O_NOFOLLOW: "O_NOFOLLOW", os.O_CLOEXEC: "O_CLOEXEC"},
}  # fmt: skip
_ZERO = {"prot": "PROT_NONE", "open": "O_RDONLY", "map": "0"}


def arguments(task: Task, call: Call, words: tuple[int, ...]) -> str:
    """``3, "hello"..., 5`` for what a call got."""
    kinds = call.arguments.split()
    return ", ".join(_show(task, kind, words, index) for index, kind in enumerate(kinds))


def _show(task: Task, kind: str, words: tuple[int, ...], index: int) -> str:
    word = words[index]
    name = kind.partition(":")[2] or kind
    if name in _BITS:
        return _flags(name, word & 0xFFFF_FFFF)
    shown = _KINDS.get(kind)
    if shown is not None:
        return shown(task, word)
    if kind in ("buf", "out"):
        return f"{word:#x}"
    return str(s64(word)) if word < 1 << 20 or word >> 63 else f"{word:#x}"


def _flags(name: str, word: int) -> str:
    names = [text for bit, text in _BITS[name].items() if bit and word & bit == bit]
    rest = word
    for bit in _BITS[name]:
        rest &= ~bit
    if name == "open" and not word & os.O_ACCMODE:
        names.insert(0, _ZERO[name])
    if rest:
        names.append(f"{rest:#x}")
    return "|".join(names) or _ZERO[name]


def _path(task: Task, word: int) -> str:
    if not word:
        return "NULL"
    try:
        return quoted(task.mm.string(word), limit=120)
    except OSError:
        return f"{word:#x}"


def _at(_task: Task, word: int) -> str:
    return "AT_FDCWD" if s32(word) == -100 else str(s32(word))


def _pointer(_task: Task, word: int) -> str:
    return f"{word:#x}" if word else "NULL"


def _signal(_task: Task, word: int) -> str:
    try:
        return signal.Signals(word & 0x7F).name
    except ValueError:
        return str(s32(word))


def _vector(task: Task, word: int) -> str:
    shown: list[str] = []
    try:
        while word and len(shown) < 8 and (pointer := task.mm.u64(word)):
            shown.append(quoted(task.mm.string(pointer)))
            word += 8
    except OSError:
        return f"{word:#x}"
    return "[" + ", ".join(shown) + (", ..." if len(shown) == 8 else "") + "]"


_KINDS: dict[str, Callable[[Task, int], str]] = {
    "fd": lambda _task, word: str(s32(word)),
    "int": lambda _task, word: str(s32(word)),
    "pid": lambda _task, word: str(s32(word)),
    "size": lambda _task, word: str(word),
    "off": lambda _task, word: str(s64(word)),
    "mode": lambda _task, word: f"0{word & 0o7777:o}",
    "at": _at,
    "path": _path,
    "ptr": _pointer,
    "sig": _signal,
    "argv": _vector,
}


def quoted(data: bytes, limit: int = _SHOWN) -> str:
    """A C string literal of at most ``limit`` bytes."""
    text = data[:limit].decode("latin-1").encode("unicode_escape").decode("ascii").replace('"', '\\"')
    return f'"{text}"' + ("..." if len(data) > limit else "")


def outcome(result: int | None) -> str:
    """``= 5`` or ``= -1 ENOENT (No such file or directory)``."""
    if result is None:
        return "= ?"
    if result < 0:
        return f"= -1 {errno.errorcode.get(-result, -result)} ({os.strerror(-result)})"
    return f"= {result}" if result < 1 << 20 else f"= {result:#x}"


def record(task: Task, call: Call, text: str, result: int | None, began: float, *, inside: bool = False) -> None:
    """One line of JSON to the trace: when, who, what, how it ended, how long it took."""
    entry = {
        "time": time.time(),
        "pid": task.process.pid,
        "tid": task.tid,
        "call": call.name,
        "arguments": text,
        "result": result,
        "outcome": outcome(result),
        "seconds": time.perf_counter() - began,
        "inside": inside,
    }
    line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
    _native.call(1, task.process.options.trace_fd, line, len(line))
