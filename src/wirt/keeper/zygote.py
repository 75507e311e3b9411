"""The zygote: a small process with everything a keeper needs imported, which forks keepers in about a millisecond.

It speaks with one daemon over a seqpacket socket that it inherits, and ends when the daemon does. Its keepers go on:
they are nobody's business but their own.

A request is ``{"guest_dir": ..., "run_dir": ...}`` with the keeper's control channel beside it. There is no answer:
the keeper itself says hello on that channel. ``{"preload": "micro"}`` comes where micro guests can run: what their
monitors need is imported here once, and shared by all.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import traceback
from pathlib import Path

from wirt.host.process import set_name
from wirt.keeper import channel, keeper

__all__ = ["main", "spawn"]


def spawn() -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start a zygote; returns the process and the daemon's end of its socket."""
    ours, theirs = channel.pair()
    package_root = str(Path(__file__).parents[2])
    # Neither site nor third-party packages: they would be paid for in every keeper's memory.
    code = f"import sys; sys.path.insert(0, {package_root!r}); from wirt.keeper.zygote import main; main()"
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            env=os.environ | {"WIRT_ZYGOTE_FD": str(theirs.fileno())},
            start_new_session=True,
        )
    return process, ours


def main() -> None:
    """Fork a keeper for each request until the daemon is gone."""
    set_name("wirt-zygote")
    requests = socket.socket(fileno=int(os.environ.pop("WIRT_ZYGOTE_FD")))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps: nobody waits for a keeper
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What is there now is shared by all keepers until somebody writes to it; a collection would write everywhere.
    gc.disable()
    gc.freeze()
    with contextlib.suppress(channel.Closed):
        while True:
            message, fds = channel.receive(requests)
            if message.get("preload") == "micro":
                _preload()
                continue
            if os.fork() == 0:
                requests.close()
                _become_keeper(message["guest_dir"], message["run_dir"], socket.socket(fileno=fds[0]))
            os.close(fds[0])


def _preload() -> None:
    with contextlib.suppress(ImportError):  # the first guest says what is missing
        import wirt.keeper.nursery
        import wirt.micro.guest  # noqa: F401
    gc.freeze()


def _become_keeper(guest_dir: str, run_dir: str, control: socket.socket) -> None:
    status = 1
    try:
        keeper.main(guest_dir, run_dir, control)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
