"""The terminal of a program in a guest: a pty of the guest's own devpts, whose master the keeper gets."""

from __future__ import annotations

import fcntl
import os
import struct
import termios

from wirt.host import fsmount
from wirt.micro.report import Report

__all__ = ["open_console"]

_PTMX = "/dev/pts/ptmx"
_PTMX_DEVICE = os.makedev(5, 2)
_TIOCSPTLCK, _TIOCGPTN, _TIOCGPTPEER = 0x4004_5431, 0x8004_5430, 0x5441  # ioctl_tty(2)


def open_console(report: Report, uid: int, size: tuple[int, int], *, as_dev_console: bool) -> None:
    """Make a pty our standard streams and controlling terminal; we lead a session. The master goes to the keeper.

    ``size``: rows and columns, if both are known. The program must not be the first to see another size (SIGWINCH).
    ``as_dev_console``: it is also what /dev/console means in the guest.
    """
    master = os.open(_PTMX, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    if os.fstat(master).st_rdev != _PTMX_DEVICE:
        raise OSError(f"{_PTMX} is not the maker of terminals")
    fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("i", 0))
    terminal = fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY)
    os.fchown(terminal, uid, -1)
    if all(size):
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("4H", *size, 0, 0))
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for number in range(3):
        os.dup2(terminal, number)
    os.close(terminal)
    if as_dev_console:
        _put_at_dev_console(master)
    report.master(master)
    os.close(master)


def _put_at_dev_console(master: int) -> None:
    (number,) = struct.unpack("i", fcntl.ioctl(master, _TIOCGPTN, b"\0" * 4))
    os.close(os.open("/dev/console", os.O_WRONLY | os.O_CREAT | os.O_NOCTTY | os.O_CLOEXEC, 0o600))
    tree = fsmount.clone_tree(f"/dev/pts/{number}", recursive=False)
    try:
        fsmount.attach(tree, "/dev/console")
    finally:
        os.close(tree)
