"""A jail with a program of the test's own in it, where a keeper would put a guest: run as a script, in a process apart.

Arguments: a monitor's configuration, a file of Python. The code runs in the jail; what it prints is this script's
output, and this script's exit status is the code's. A start that is refused is a line on standard error, "refused: CODE
TEXT".
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["host_call", "main"]

KEPT = (ctypes, errno, json, os, socket, traceback)  # nothing can be imported in a jail


def host_call(number: int, *arguments: int | bytes) -> str:
    """A raw system call from within the jail: "ok", or the name of its error."""
    from wirt.host import _native

    result = _native.call(number, *arguments)
    return errno.errorcode.get(-result, str(result)) if result < 0 else "ok"


class _Payload:
    """``micro.monitor.Monitor`` for code in Python."""

    def __init__(self, path: str) -> None:
        self._code = compile(Path(path).read_text(encoding="utf-8"), path, "exec")

    def rehearse(self, inside: Any) -> None:
        """It has no first time to prepare for."""

    def run(self, config: Any, program: str, inside: Any, report: Any) -> NoReturn:
        report.started()
        report.close()
        status = 0
        try:
            names = {"config": config, "program": program, "inside": inside, **globals()}
            exec(self._code, names)  # noqa: S102 - it is what this is for
        except SystemExit as end:
            status = int(end.code or 0)
        except BaseException:
            traceback.print_exc()
            status = 99
        sys.stdout.flush()
        os._exit(status)


def main() -> int:
    """The keeper's part, in short."""
    from wirt.abi.linux.sched import CLONE_NEWPID
    from wirt.host import _native
    from wirt.host.namespaces import unshare
    from wirt.micro import files, monitor, report

    assert _native
    path, code = sys.argv[1:]
    payload = _Payload(code)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    records = files.new_records()
    unshare(CLONE_NEWPID)
    report.send_order(ours, path, (0, 1, 2))
    pid = os.fork()
    if pid == 0:
        monitor.main(theirs.detach(), records, lambda _platform: payload)
    theirs.close()
    while True:
        kind, text, _ = report.receive(ours)
        if kind == report.MAP_USERS:
            report.map_users(pid, ours.send)
        elif kind == report.FAILED:
            print("refused:", text.decode(), file=sys.stderr)
        elif not kind:
            break
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return 128 - status if status < 0 else status


if __name__ == "__main__":
    sys.exit(main())
