"""<asm-generic/ioctls.h>, <linux/sockios.h>, <linux/fs.h>: the requests of ioctl(2) that a guest may make, as data."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["FICLONE", "FICLONERANGE", "REQUESTS", "SIOCGIFCONF", "TIOCGPTPEER", "Way", "What"]


class Way(enum.Enum):
    """How the third argument is meant."""

    NUMBER = "number"  # itself, or not looked at
    IN = "in"  # the kernel reads what it points to
    OUT = "out"  # the kernel fills it
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class What:
    """``size``: bytes of what the argument points to; there is no pointer in it."""

    name: str
    way: Way
    size: int = 0


_TERMIOS, _TERMIOS2, _TERMIO, _WINSIZE, _IFREQ, _INT = 36, 44, 18, 8, 40, 4

SIOCGIFCONF = 0x8912  # struct ifconf has a pointer
FICLONE = 0x40049409  # a descriptor
FICLONERANGE = 0x4020940D  # a descriptor in a structure
TIOCGPTPEER = 0x5441  # gives a descriptor

REQUESTS: dict[int, What] = {
    0x5401: What("TCGETS", Way.OUT, _TERMIOS),
    0x5402: What("TCSETS", Way.IN, _TERMIOS),
    0x5403: What("TCSETSW", Way.IN, _TERMIOS),
    0x5404: What("TCSETSF", Way.IN, _TERMIOS),
    0x5405: What("TCGETA", Way.OUT, _TERMIO),
    0x5406: What("TCSETA", Way.IN, _TERMIO),
    0x5407: What("TCSETAW", Way.IN, _TERMIO),
    0x5408: What("TCSETAF", Way.IN, _TERMIO),
    0x5409: What("TCSBRK", Way.NUMBER),
    0x540A: What("TCXONC", Way.NUMBER),
    0x540B: What("TCFLSH", Way.NUMBER),
    0x540C: What("TIOCEXCL", Way.NUMBER),
    0x540D: What("TIOCNXCL", Way.NUMBER),
    0x540E: What("TIOCSCTTY", Way.NUMBER),
    0x540F: What("TIOCGPGRP", Way.OUT, _INT),
    0x5410: What("TIOCSPGRP", Way.IN, _INT),
    0x5411: What("TIOCOUTQ", Way.OUT, _INT),
    0x5413: What("TIOCGWINSZ", Way.OUT, _WINSIZE),
    0x5414: What("TIOCSWINSZ", Way.IN, _WINSIZE),
    0x5415: What("TIOCMGET", Way.OUT, _INT),
    0x5416: What("TIOCMBIS", Way.IN, _INT),
    0x5417: What("TIOCMBIC", Way.IN, _INT),
    0x5418: What("TIOCMSET", Way.IN, _INT),
    0x5419: What("TIOCGSOFTCAR", Way.OUT, _INT),
    0x541A: What("TIOCSSOFTCAR", Way.IN, _INT),
    0x541B: What("FIONREAD", Way.OUT, _INT),
    0x5420: What("TIOCPKT", Way.IN, _INT),
    0x5421: What("FIONBIO", Way.IN, _INT),
    0x5422: What("TIOCNOTTY", Way.NUMBER),
    0x5424: What("TIOCGETD", Way.OUT, _INT),
    0x5425: What("TCSBRKP", Way.NUMBER),
    0x5429: What("TIOCGSID", Way.OUT, _INT),
    0x802C542A: What("TCGETS2", Way.OUT, _TERMIOS2),
    0x402C542B: What("TCSETS2", Way.IN, _TERMIOS2),
    0x402C542C: What("TCSETSW2", Way.IN, _TERMIOS2),
    0x402C542D: What("TCSETSF2", Way.IN, _TERMIOS2),
    0x80045430: What("TIOCGPTN", Way.OUT, _INT),
    0x40045431: What("TIOCSPTLCK", Way.IN, _INT),
    0x80045432: What("TIOCGDEV", Way.OUT, _INT),
    0x40045436: What("TIOCSIG", Way.NUMBER),
    0x80045438: What("TIOCGPKT", Way.OUT, _INT),
    0x80045439: What("TIOCGPTLCK", Way.OUT, _INT),
    0x80045440: What("TIOCGEXCL", Way.OUT, _INT),
    0x5450: What("FIONCLEX", Way.NUMBER),
    0x5451: What("FIOCLEX", Way.NUMBER),
    0x5452: What("FIOASYNC", Way.IN, _INT),
    0x5460: What("FIOQSIZE", Way.OUT, 8),
    0x2: What("FIGETBSZ", Way.OUT, _INT),
    0x80086601: What("FS_IOC_GETFLAGS", Way.OUT, _INT),
    0x40086602: What("FS_IOC_SETFLAGS", Way.IN, _INT),
    0x80087601: What("FS_IOC_GETVERSION", Way.OUT, _INT),
    0x80045200: What("RNDGETENTCNT", Way.OUT, _INT),
    0x8901: What("FIOSETOWN", Way.IN, _INT),
    0x8902: What("SIOCSPGRP", Way.IN, _INT),
    0x8903: What("FIOGETOWN", Way.OUT, _INT),
    0x8904: What("SIOCGPGRP", Way.OUT, _INT),
    0x8905: What("SIOCATMARK", Way.OUT, _INT),
    0x8906: What("SIOCGSTAMP", Way.OUT, 16),
    0x8907: What("SIOCGSTAMPNS", Way.OUT, 16),
    0x8910: What("SIOCGIFNAME", Way.BOTH, _IFREQ),
    0x8913: What("SIOCGIFFLAGS", Way.BOTH, _IFREQ),
    0x8915: What("SIOCGIFADDR", Way.BOTH, _IFREQ),
    0x8917: What("SIOCGIFDSTADDR", Way.BOTH, _IFREQ),
    0x8919: What("SIOCGIFBRDADDR", Way.BOTH, _IFREQ),
    0x891B: What("SIOCGIFNETMASK", Way.BOTH, _IFREQ),
    0x891D: What("SIOCGIFMETRIC", Way.BOTH, _IFREQ),
    0x8921: What("SIOCGIFMTU", Way.BOTH, _IFREQ),
    0x8927: What("SIOCGIFHWADDR", Way.BOTH, _IFREQ),
    0x8933: What("SIOCGIFINDEX", Way.BOTH, _IFREQ),
    0x8942: What("SIOCGIFTXQLEN", Way.BOTH, _IFREQ),
    0x8970: What("SIOCGIFMAP", Way.BOTH, _IFREQ),
}
