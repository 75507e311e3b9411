"""``python -m framework.guest_server FD MARKS``: guests forked from one process that has the sentry in memory.

No interpreter starts for a guest, which is most of what a short program costs otherwise. FD is a socket of type
SOCK_SEQPACKET; a message is a JSON object with four descriptors: standard input, output and error, and a socket on
which the guest's supervisor says first its process id, then its status as waitpid(2) has it. The server ends with the
process that started it; so do its guests.

MARKS is a file in memory: the byte at a call's number tells what came of it when guests made it (``MADE``: anything).
"""

from __future__ import annotations

import contextlib
import gc
import json
import mmap
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from wirt.abi.linux import mount as ms
from wirt.abi.linux.sched import CLONE_NEWNS
from wirt.errors import Unavailable
from wirt.host.mount import mount
from wirt.host.namespaces import unshare
from wirt.host.process import die_with_parent
from wirt.sentry import guest, run
from wirt.vmm.choice import prepare_software

__all__ = ["DONE", "FAILED", "MADE", "serve"]

MADE, DONE, FAILED = 1, 2, 4
_ROOM = 1 << 16


def serve(requests: socket.socket, marks: mmap.mmap) -> None:
    """Until the other end is closed."""
    rows = guest.dispatch()
    for number, (handler, arity, call) in rows.items():
        rows[number] = (_marked(handler, number, marks), arity, call)
    with contextlib.suppress(Unavailable):
        prepare_software()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors report by themselves
    while True:
        message, fds, _, _ = socket.recv_fds(requests, _ROOM, 4)
        if not message:
            return
        if os.fork() == 0:
            requests.close()
            _supervise(json.loads(message), *fds)
        for fd in fds:
            os.close(fd)


def _marked(handler: Callable[..., Any], number: int, marks: mmap.mmap) -> Callable[..., Any]:
    def handle(*words: Any) -> Any:
        marks[number] |= MADE
        try:
            result = handler(*words)
        except OSError:
            marks[number] |= FAILED
            raise
        marks[number] |= FAILED if result is not None and result < 0 else DONE
        return result

    return handle


def _supervise(wanted: dict[str, str | list[str]], stdin: int, stdout: int, stderr: int, report: int) -> NoReturn:
    """``lower``, ``scratch``: the overlay that becomes ``scratch``/root; ``argv``: for ``wirt.sentry.run``."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        die_with_parent(signal.SIGKILL)
        os.setsid()
        for number, fd in enumerate((stdin, stdout, stderr)):
            os.dup2(fd, number)
            os.close(fd)
        os.set_inheritable(report, False)
        os.write(report, str(os.getpid()).encode())
        _overlay(str(wanted["lower"]), Path(str(wanted["scratch"])))
        os.write(report, str(run.supervise(run.parse(list(wanted["argv"])))).encode())
    except BaseException as error:
        os.write(2, f"guest server: {error!r}\n".encode())
        os._exit(1)
    os._exit(0)


def _overlay(lower: str, scratch: Path) -> None:
    """As ``stage overlay`` does it."""
    unshare(CLONE_NEWNS)
    mount("", "/", None, ms.MS_REC | ms.MS_PRIVATE)
    for name in ("upper", "work", "root"):
        (scratch / name).mkdir(exist_ok=True)
    options = f"lowerdir={lower},upperdir={scratch}/upper,workdir={scratch}/work"
    mount("overlay", str(scratch / "root"), "overlay", 0, options)


if __name__ == "__main__":
    die_with_parent(signal.SIGKILL)
    requests, marks = map(int, sys.argv[1:])
    made = mmap.mmap(marks, 0)
    os.close(marks)
    serve(socket.socket(fileno=requests), made)
