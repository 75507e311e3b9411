"""What cannot be saved: a program that runs in a guest and has it, one thing after the other, in a child of its own.

The name of a thing is written to ``/do``; when the child has it, a line says so. ``/do`` without a name: it goes.
"""

# ruff: noqa: PTH102, PTH106

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
SYS_TIMER_CREATE, SYS_EXIT = 222, 60
kept: list[object] = []  # open as long as the child lives


def checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def chroot() -> None:
    os.chroot("/tmp")


def timer() -> None:
    checked(libc.syscall(SYS_TIMER_CREATE, 1, None, ctypes.byref(ctypes.c_int())))


def segment() -> None:
    kept.append(libc.shmat(checked(libc.shmget(0, 4096, 0o1600)), None, 0))


def inotify() -> None:
    checked(libc.inotify_init())


def named_pipe() -> None:
    with contextlib.suppress(FileExistsError):
        os.mkfifo("/tmp/pipe")
    os.open("/tmp/pipe", os.O_RDWR)


def large_nameless_file() -> None:
    kept.append(tempfile.TemporaryFile(dir="/tmp"))  # noqa: SIM115
    kept[-1].truncate(17 << 20)


def removed_folder() -> None:
    os.mkdir("/tmp/folder")
    os.open("/tmp/folder", os.O_RDONLY)
    os.rmdir("/tmp/folder")


def removed_working_folder() -> None:
    os.mkdir("/tmp/here")
    os.chdir("/tmp/here")
    os.rmdir("/tmp/here")


def unread_messages() -> None:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    other.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    socket.send_fds(one, [b"x"], [0])
    kept.extend((one, other))


def first_thread_ended() -> None:
    threading.Thread(target=time.sleep, args=(1000,)).start()
    print("has first_thread_ended", flush=True)
    libc.syscall(SYS_EXIT, 0)


THINGS: tuple[Callable[[], None], ...] = (
    chroot, timer, segment, inotify, named_pipe, large_nameless_file, removed_folder,
    removed_working_folder, unread_messages, first_thread_ended,
)  # fmt: skip


def have(name: str) -> None:
    thing = next(thing for thing in THINGS if thing.__name__ == name)
    thing()
    print("has", name, flush=True)
    while True:
        signal.pause()


def wanted() -> str:
    try:
        with open("/do") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def main() -> None:
    child, had = 0, ""
    print("ready", flush=True)
    while True:
        if (name := wanted()) != had:
            if child:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                child = 0
                print("without", had, flush=True)
            if name and (child := os.fork()) == 0:
                have(name)
            had = name
        time.sleep(0.01)


if __name__ == "__main__":
    main()
