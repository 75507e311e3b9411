"""The zygote: a small process with everything a keeper needs imported, which forks keepers in about a millisecond.

It speaks with one daemon over a seqpacket socket that it inherits, and ends when the daemon does. Its keepers go on:
they are nobody's business but their own.

A request is ``{"guest_dir": ..., "run_dir": ..., "platform": ...}`` with the keeper's control channel beside it. There
is no answer: the keeper itself says hello on that channel. What the monitors of micro guests need is imported here
once, and shared by all: with the first such guest ("platform" tells what it runs on), or before, when
``{"preload": true}`` has asked and nothing else is to do. After a micro guest, one keeper is made in advance for the
next.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wirt.errors import WirtError
from wirt.host.process import set_name
from wirt.keeper import channel, keeper

__all__ = ["main", "spawn"]

_LIBRARIES = "WIRT_ZYGOTE_PATH"  # where the daemon imports from
_IDLE = 0.5  # seconds without a request before what takes a while is done
_PAUSE = 0.01  # the same for a keeper in advance: the guest that starts now goes first


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
            env=os.environ | {"WIRT_ZYGOTE_FD": str(theirs.fileno()), _LIBRARIES: os.pathsep.join(sys.path)},
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
    monitors = _Monitors()
    with contextlib.suppress(channel.Closed):
        while True:
            try:
                message, fds = channel.receive(requests)
            except TimeoutError:
                requests.settimeout(None)
                monitors.make_ready(requests)
                continue
            if message.get("preload"):
                requests.settimeout(_IDLE)
                continue
            if platform := message["platform"]:
                monitors.prepare(platform)
                requests.settimeout(_PAUSE)
            if not (platform and monitors.hand_over(platform, message, fds[0])) and os.fork() == 0:
                requests.close()
                monitors.close()
                _become_keeper(keeper.main, message["guest_dir"], message["run_dir"], socket.socket(fileno=fds[0]))
            os.close(fds[0])


class _Monitors:
    """What is made ready for micro guests: what monitors need in memory, and one keeper in advance."""

    def __init__(self) -> None:
        self._prepared: list[str] = []
        self._libraries = os.environ.pop(_LIBRARIES, "").split(os.pathsep)
        self._spare: tuple[str, socket.socket] | None = None  # its platform, and where its request goes

    def make_ready(self, requests: socket.socket) -> None:
        """Called when there is nothing else to do."""
        self.load()
        if self._prepared and self._spare is None:
            platform = self._prepared[-1]
            ours, theirs = channel.pair()
            if os.fork() == 0:
                requests.close()
                ours.close()
                _become_keeper(keeper.spare, theirs, platform)
            theirs.close()
            self._spare = (platform, ours)

    def load(self) -> None:
        """Import what monitors need; what is missing, the first guest says."""
        if "wirt.micro.guest" in sys.modules:
            return
        with contextlib.suppress(ImportError):
            import wirt.keeper.nursery
            import wirt.micro.guest
            import wirt.micro.monitor  # noqa: F401
        gc.freeze()

    def prepare(self, platform: str) -> None:
        """Find out, once, what is the same for all of them."""
        if platform in self._prepared:
            return
        self._prepared.append(platform)
        if platform == "software":  # of third parties: only where there is no other way
            sys.path += [path for path in self._libraries if path not in sys.path]
        self.load()
        with contextlib.suppress(ImportError, OSError, WirtError):
            from wirt.micro import guest

            guest.prepare(platform)
        gc.freeze()

    def hand_over(self, platform: str, message: dict[str, Any], control: int) -> bool:
        """Give the request to the keeper that waits for one; False when there is none."""
        if self._spare is None or self._spare[0] != platform:
            return False
        _, orders = self._spare
        self._spare = None
        with orders, contextlib.suppress(channel.Closed):
            channel.send(orders, message, [control])
            return True
        return False

    def close(self) -> None:
        """In a keeper: the spare one belongs to the zygote."""
        if self._spare is not None:
            self._spare[1].close()


def _become_keeper(life: Callable[..., None], *arguments: object) -> None:
    status = 1
    try:
        life(*arguments)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
