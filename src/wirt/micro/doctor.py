"""Whether this host runs micro guests, and on what: found by running one, never by the presence of a file."""

from __future__ import annotations

import resource
from collections.abc import Iterator

from wirt import errors
from wirt.host.seccomp import available as has_libseccomp
from wirt.micro.choice import AUTO, KVM, Choice
from wirt.model.finding import Finding, Level
from wirt.sentry.descriptors import OWN

__all__ = ["findings"]

_SUBJECT = "micro guests"
_LOST = "micro guests cannot run; containers can"


def findings(choice: Choice) -> list[Finding]:
    """Every line about micro guests."""
    if missing := list(_missing()):
        return missing
    try:
        found = choice.platform()
    except errors.Unavailable as error:
        return [Finding(_SUBJECT, Level.FAIL, str(error), _LOST, error.hint)]
    why = "" if choice.wanted == AUTO else ", as the setting micro.platform has it"
    if found == KVM:
        return [Finding(_SUBJECT, Level.OK, f"they run on /dev/kvm{why}", "at the processor's own speed")]
    why = why or ", as /dev/kvm runs none"
    slow = "10 to 50 times slower than on /dev/kvm"
    return [Finding(_SUBJECT, Level.NOTE, f"they run on an emulated processor{why}", slow)]


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
