"""Whether this host runs micro guests, and on what: found by running one, never by the presence of a file."""

from __future__ import annotations

import functools
import importlib.util
import resource
from collections.abc import Iterator

from wirt import errors
from wirt.host.seccomp import available as has_libseccomp
from wirt.model.host import Finding, Level
from wirt.sentry.descriptors import OWN
from wirt.vmm.probe import probe

__all__ = ["KVM", "SOFTWARE", "findings", "known", "platform"]

KVM, SOFTWARE = "kvm", "software"

_SUBJECT = "micro guests"
_LOST = "micro guests cannot run; containers can"


def platform() -> str:
    """The best one that works; ``Unavailable`` when none does. The first call may take two seconds."""
    if not (found := _best()):
        raise errors.Unavailable(
            "micro guests need /dev/kvm, or the Python package unicorn in its place",
            hint="wirt doctor says what is wrong with /dev/kvm",
        )
    return found


def known() -> str:
    """What ``platform`` has found; "" while nobody has asked yet."""
    return _best() if _best.cache_info().currsize else ""


@functools.cache
def _best() -> str:
    if any(finding.level is Level.OK for finding in probe()):
        return KVM
    return SOFTWARE if importlib.util.find_spec("unicorn") is not None else ""


def findings() -> list[Finding]:
    """Every line about micro guests."""
    if missing := list(_missing()):
        return missing
    try:
        found = platform()
    except errors.Unavailable as error:
        return [Finding(_SUBJECT, Level.FAIL, str(error), _LOST, error.hint)]
    if found == KVM:
        return [Finding(_SUBJECT, Level.OK, "they run on /dev/kvm", "at the processor's own speed")]
    slow = "10 to 50 times slower than on /dev/kvm"
    return [Finding(_SUBJECT, Level.NOTE, "they run on a processor in software", slow)]


def _missing() -> Iterator[Finding]:
    """What the jail cannot be built without."""
    if not has_libseccomp():
        yield Finding(_SUBJECT, Level.FAIL, "no libseccomp", _LOST, "apt-get install libseccomp2")
    if _number("/proc/sys/user/max_user_namespaces") == 0:
        remedy = "sysctl user.max_user_namespaces=65536"
        yield Finding(_SUBJECT, Level.FAIL, "this host allows no user namespaces", _LOST, remedy)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < OWN * 2:
        found = f"a process may open {hard} files, a monitor needs {OWN * 2}"
        yield Finding(_SUBJECT, Level.FAIL, found, _LOST, "start the daemon with a higher limit (ulimit -n)")


def _number(path: str) -> int:
    """-1 where the kernel has no such setting."""
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except OSError:
        return -1
