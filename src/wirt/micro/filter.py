"""The monitor's seccomp filter, made of ``calls`` once a daemon."""

from __future__ import annotations

import base64
import errno
import functools

from wirt import errors
from wirt.host.seccomp import Comparison, Filter, available, syscall_number
from wirt.micro.calls import FAMILIES, GROUPS, IOCTL_TYPES, IOCTLS, NetlinkRule

__all__ = ["program"]

_ALLOW, _ERRNO = 0x7FFF_0000, 0x0005_0000  # <linux/seccomp.h>
_ARG = 0xFFFF_FFFF  # what the kernel looks at of an int
_IOCTL_TYPE = 0xFF00
_NEW_NAMESPACES = 0x7E02_0000  # every CLONE_NEW... that clone(2) takes
_PROT_EXEC = 0x4


@functools.cache
def program(*, executable: bool = False) -> str:
    """Base64. ``executable``: memory may be made executable, as a processor in software needs; ``Unavailable``."""
    if not available():
        raise errors.Unavailable("libseccomp.so.2 is not installed", hint="apt-get install libseccomp2")
    with Filter(_ERRNO | errno.EPERM) as made:
        made.optimize(2)
        for name in (name for group in GROUPS for name in group.calls):
            if not executable and name in ("mmap", "mprotect"):
                _allow(made, name, _equal(2, 0, mask=_PROT_EXEC))
            else:
                _allow(made, name)
        _allow(made, "clone", _equal(0, 0, mask=_NEW_NAMESPACES))
        # Its flags are in memory, where a filter cannot look: C libraries then call clone.
        made.add_rule(_ERRNO | errno.ENOSYS, _number("clone3"))
        for family in FAMILIES:
            _allow(made, "socket", _equal(0, family))
        netlink = NetlinkRule()
        _allow(made, "socket", _equal(0, netlink.family), _equal(2, netlink.protocol))
        for kind in IOCTL_TYPES:
            _allow(made, "ioctl", _equal(1, kind << 8, mask=_IOCTL_TYPE))
        for number in IOCTLS:
            _allow(made, "ioctl", _equal(1, number))
        return base64.b64encode(made.export()).decode()


def _allow(made: Filter, name: str, *conditions: Comparison) -> None:
    """A call that this library is too old to know is not allowed."""
    if (number := syscall_number(name)) is not None and number >= 0:
        made.add_rule(_ALLOW, number, conditions)


def _number(name: str) -> int:
    number = syscall_number(name)
    if number is None:
        raise errors.Unavailable(f"libseccomp does not know {name}", hint="it takes version 2.5 or newer")
    return number


def _equal(index: int, value: int, *, mask: int = _ARG) -> Comparison:
    return Comparison(index, "SCMP_CMP_MASKED_EQ", mask, value)
