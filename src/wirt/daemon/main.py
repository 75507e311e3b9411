"""The daemon's life: one owner of the state folder, the engine, the server, and an orderly end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import logging
import os
import platform
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from wirt.container.container import ContainerRuntime
from wirt.daemon.listen import open_listeners
from wirt.daemon.notify import notify
from wirt.daemon.server import serve
from wirt.engine import Engine, Paths, Settings
from wirt.engine.protocols import Runtime
from wirt.errors import Conflict, WirtError
from wirt.host.folders import token_file
from wirt.model.guest import Kind

__all__ = ["main"]

log = logging.getLogger("wirt.daemon")

EXIT_FAILED = 125
_THREADS = 64


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; guests go on. Returns the exit code."""
    options = _parse(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.debug else logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    with contextlib.ExitStack() as stack:
        ready = stack.enter_context(_ReadyPipe(options.ready_fd))
        try:
            paths = Paths.from_environment()
            settings = Settings.load(paths.config)
            stack.enter_context(_only_one(paths.state))
            asyncio.run(_run(paths, settings, ready))
        except WirtError as error:
            ready.say(f"{error}\t{error.hint}")
            print(f"wirt: {error}" + (f"\nhint: {error.hint}" if error.hint else ""), file=sys.stderr)
            return EXIT_FAILED
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="wirt daemon",
        description="Run the daemon in the foreground. Other commands start it by themselves when it is needed.",
    )
    parser.add_argument("--debug", action="store_true", help="log more")
    parser.add_argument("--ready-fd", type=int, default=-1, help="write a line to this descriptor when listening")
    return parser.parse_args(arguments)


async def _run(paths: Paths, settings: Settings, ready: _ReadyPipe) -> None:
    begun = time.monotonic()
    os.umask(0o022)
    # Transfers hold a thread each for as long as their client takes; the default, six on two processors, would starve.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, "wirt-worker"))
    engine = Engine(paths, settings, _runtimes(paths, settings))
    await engine.open()
    server = await serve(engine, open_listeners(paths.socket, settings.listen, tokens=Path(token_file())))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ready.say("ready")
    notify("READY=1")
    log.info("listening on %s after %.0f ms", paths.socket, (time.monotonic() - begun) * 1000)
    await stop.wait()
    notify("STOPPING=1")
    await server.stop()
    await engine.close()


def _runtimes(paths: Paths, settings: Settings) -> dict[Kind, Runtime]:
    # Each instance owns all that is below its own parent: recovery kills there what it does not know.
    parent = f"{settings.cgroup_parent}-{paths.tag}" if paths.tag else settings.cgroup_parent
    runtimes: dict[Kind, Runtime] = {
        Kind.CONTAINER: ContainerRuntime(paths.state, paths.run, order=settings.runtimes, cgroup_parent=parent)
    }
    if platform.machine() == "x86_64":  # what else it takes is for the first guest, and wirt doctor, to find out
        from wirt.micro.runtime import MicroRuntime

        runtimes[Kind.MICRO] = MicroRuntime(cgroup_parent=parent, platform=settings.micro.platform)
    return runtimes


@contextlib.contextmanager
def _only_one(state: Path) -> Iterator[None]:
    """The lock goes with the process, however that ends."""
    state.mkdir(mode=0o711, parents=True, exist_ok=True)
    fd = os.open(state / "daemon.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(fd)
        raise Conflict(f"another daemon uses {state}", hint="stop it, or set WIRT_STATE to another folder") from error
    try:
        yield
    finally:
        os.close(fd)


class _ReadyPipe:
    """Tells whoever started us, once, how it went; a line "ready", or what is wrong and a hint behind a tab."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def __enter__(self) -> _ReadyPipe:
        if self._fd >= 0:
            os.set_inheritable(self._fd, False)
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def say(self, line: str) -> None:
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.write(self._fd, f"{line}\n".encode())
            self._close()

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
