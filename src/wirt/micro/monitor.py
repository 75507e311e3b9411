"""What a keeper's forked child does until it is a guest: read what is wanted, lock itself in, run the program.

Whatever goes wrong on the way is told to the keeper in one line; nothing is left behind, as the process then ends.
"""

from __future__ import annotations

import errno
import functools
import os
import signal
import stat
from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol

from wirt.micro import files, jail
from wirt.micro.config import MonitorConfig, read
from wirt.micro.report import Refused, Report
from wirt.micro.saved import open_saved
from wirt.sentry.checkpoint.saved import SavedGuest
from wirt.sentry.descriptors import hide
from wirt.sentry.orders import Post
from wirt.vmm.platform import KICK

__all__ = ["Monitor", "Opener", "find_program", "main"]

_FAILED = 125
_NOT_FOUND, _NOT_RUNNABLE = 127, 126
_WORDS = {
    errno.EACCES: "permission denied",
    errno.EISDIR: "is a directory",
    errno.ENOEXEC: "exec format error",
    errno.ENOENT: "no such file or directory",
}


class Monitor(Protocol):
    """What runs guests, made ready on the host's side of the jail's wall."""

    def rehearse(self, inside: jail.Jail, /) -> None:
        """Called if there is time before it is known what to run."""

    def run(self, config: MonitorConfig, program: str, inside: jail.Jail, report: Report, /) -> NoReturn:
        """Become the guest. ``report`` is told when ``program`` is loaded; ``OSError`` as execve(2) before."""

    def resume(
        self, config: MonitorConfig, saved: SavedGuest, inside: jail.Jail, ready: Callable[[], None], /
    ) -> NoReturn:
        """Become a guest that was saved; ``Refused`` when it cannot be here."""


Opener = Callable[[str], Monitor]


def main(report_fd: int, records_fd: int, opener: Opener, platform: str = "", post: Post | None = None) -> NoReturn:
    """The child's life. ``report_fd``: our end of ``report``, where the order comes as well.

    ``opener`` is given the platform's name while the host's files are still there: before the order comes if
    ``platform`` is known already. ``records_fd``: the folder that all of the guest's processes share, from
    ``files.new_records``. ``post``: where orders come from later.
    """
    report = None
    try:
        # As soon as it is in the guest's cgroup it may be kicked.
        signal.pthread_sigmask(signal.SIG_BLOCK, (KICK,))
        jail.make_room()
        report_fd, records_fd = hide(report_fd), hide(records_fd)
        post = post and Post(hide(post.fd), post.page)
        report = Report(report_fd)
        jail.shed((report_fd, records_fd, post.fd) if post else (report_fd, records_fd))
        monitor = opener(platform) if platform else None
        inside = jail.Jail(hide(files.new_procfs()), records_fd, post)
        if monitor is not None:
            monitor.rehearse(inside)
        path, stdio = report.order()
        jail.take_streams(stdio)
        with open(path, "rb") as file:
            config = read(file.read())
        if monitor is None or platform != config.platform:
            monitor = opener(config.platform)
        saved = open_saved(config.saved) if config.saved else None
        if saved is not None:
            jail.enter(config, report, _furnisher(saved))
            monitor.resume(config, saved, inside, report.started)
        jail.enter(config, report)
        _run(monitor, config, inside, report)
    except Exception as error:
        if report is not None:
            report.failed(_refusal(error))
    finally:
        os._exit(_FAILED)


def _furnisher(saved: SavedGuest) -> Callable[[], None]:
    if not saved.tmpfs:
        return lambda: None
    from wirt.micro.tmpfs import unpack_all  # now: in the jail no module can be loaded, and few need this one

    return functools.partial(unpack_all, saved.tmpfs)


def _refusal(error: Exception) -> Refused:
    if isinstance(error, Refused):
        return error
    if isinstance(error, OSError):
        return Refused(_FAILED, _sentence(error))
    return Refused(_FAILED, f"the monitor failed: {type(error).__name__}: {error}")  # a fault of ours, told as one


def _run(monitor: Monitor, config: MonitorConfig, inside: jail.Jail, report: Report) -> NoReturn:
    program = find_program(config.argv[0], config.env)
    try:
        monitor.run(config, program, inside, report)
    except OSError as error:
        code = _NOT_FOUND if error.errno == errno.ENOENT else _NOT_RUNNABLE  # what a script asks for may be missing
        raise Refused(code, f'exec: "{config.argv[0]}": {_reason(error)}') from error


def find_program(name: str, env: Sequence[str]) -> str:
    """The file that ``name`` means to the guest's user, as execvp(3) looks for it; ``Refused`` in Docker's words."""
    if "/" in name:
        _check(name, name)
        return name
    path = next((entry[5:] for entry in reversed(env) if entry.startswith("PATH=")), "")
    denied = None
    for folder in path.split(":"):
        candidate = f"{folder or '.'}/{name}"
        try:
            _check(candidate, name)
        except Refused as refused:
            denied = refused if refused.code == _NOT_RUNNABLE else denied
        else:
            return candidate
    raise denied or Refused(_NOT_FOUND, f'exec: "{name}": executable file not found in $PATH')


def _check(path: str, name: str) -> None:
    try:
        found = os.stat(path)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise Refused(_NOT_FOUND, f'exec: "{name}": stat {name}: {_reason(error)}') from error
        raise Refused(_NOT_RUNNABLE, f'exec: "{name}": {_reason(error)}') from error
    if stat.S_ISDIR(found.st_mode):
        raise Refused(_NOT_RUNNABLE, f'exec: "{name}": is a directory')
    if not os.access(path, os.X_OK, effective_ids=True):
        raise Refused(_NOT_RUNNABLE, f'exec: "{name}": permission denied')


def _reason(error: OSError) -> str:
    number = error.errno or 0
    return _WORDS.get(number, os.strerror(number).lower())


def _sentence(error: OSError) -> str:
    """What could not be done, and to what."""
    what = error.strerror or str(error)
    return f"{what}: {error.filename}" if error.filename else what
