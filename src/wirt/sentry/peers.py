"""What one guest process asks another about itself: each alone knows its memory.

A question is a kick (``vmm.platform.KICK``) that carries ``ASK`` and the number of what is asked for; no program of a
guest can send one. The answer is a file in the folder that the guest's processes share and it does not see
(``GuestOptions.records_fd``), named after who asked. Whoever cannot answer (it is stopped, or has just ended) is not
waited for long, and whoever may not signal the other gets no answer either, as with Linux.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable

from wirt.abi.linux import signal as abi
from wirt.abi.linux import unistd as nr
from wirt.host import _native
from wirt.sentry.descriptors import hide
from wirt.sentry.task import Task

__all__ = ["ASK", "answer", "ask", "register"]

ASK = -0x574906  # si_code; si_value is what is asked for
_PATIENCE = 1.0  # seconds
_PAUSE = 0.001

_answers: dict[int, Callable[[Task], bytes]] = {}


def register(what: int, content: Callable[[Task], bytes]) -> None:
    """``content`` says what the process of ``task`` answers to ``what``."""
    _answers[what] = content


def ask(task: Task, pid: int, what: int) -> bytes:
    """What process ``pid`` says; b"" when it does not. OSError(EACCES) when it may not be asked."""
    folder, name = task.process.options.records_fd, f"answer-{task.tid}"
    if folder < 0:
        return b""
    info = abi.siginfo_queued.pack(abi.SIGRTMAX, 0, ASK, task.tid, os.getuid(), what)
    result = _native.call(nr.SYS_rt_sigqueueinfo, pid, abi.SIGRTMAX, info)
    if result < 0:
        if result == -errno.EPERM:
            raise PermissionError(errno.EACCES, "the process is another user's")
        return b""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError), task.process.lock:
            return _taken(folder, name)
        time.sleep(_PAUSE)
    return b""


def _taken(folder: int, name: str) -> bytes:
    fd = hide(os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder))
    os.unlink(name, dir_fd=folder)
    with open(fd, "rb") as file:
        return file.read()


def answer(task: Task, asker: int, what: int) -> None:
    """In the process that was asked. What cannot be said is not."""
    content, folder = _answers.get(what), task.process.options.records_fd
    if content is None:
        return
    name = f"answer-{asker}"
    with contextlib.suppress(OSError), task.process.lock:  # a fork in between would give the descriptor to the child
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        fd = hide(os.open(f"{name}.new", flags, 0o600, dir_fd=folder))
        with open(fd, "wb") as file:
            file.write(content(task))
        os.rename(f"{name}.new", name, src_dir_fd=folder, dst_dir_fd=folder)
