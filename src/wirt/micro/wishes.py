"""What may be asked of a micro guest: everything a container may, but for what would need the host's own kernel."""

from __future__ import annotations

from collections.abc import Iterator

from wirt import errors
from wirt.kinds import capabilities, limits
from wirt.kinds.facts import Facts
from wirt.model.guest import GuestSpec
from wirt.sentry.descriptors import FD_LIMIT

__all__ = ["check"]

_UNHELD = frozenset(("core", "rss"))
_ELSEWHERE = "use --kind container, or a machine"


def check(spec: GuestSpec, facts: Facts) -> tuple[str, ...]:
    """Warnings about what has no effect; ``InvalidInput`` for what cannot be."""
    if spec.privileged:
        raise errors.InvalidInput("a micro guest cannot be privileged: it has no kernel of the host's", hint=_ELSEWHERE)
    if spec.devices:
        raise errors.InvalidInput("a micro guest has none of the host's devices: --device", hint=_ELSEWHERE)
    if spec.pid_mode == "host":
        raise errors.InvalidInput("a micro guest has processes of its own: not --pid host", hint=_ELSEWHERE)
    limits.check_sysctls(spec)
    warnings = (*limits.resources(spec.resources, facts)[1], *limits.rlimits(spec.ulimits)[1])
    return (*warnings, *_ulimits(spec), *_capabilities(spec), *_options(spec))


def _ulimits(spec: GuestSpec) -> Iterator[str]:
    for limit in spec.ulimits:
        if limit.name == "nofile" and not 0 <= limit.hard <= FD_LIMIT:
            yield f"--ulimit nofile: lowered to {FD_LIMIT}, the most that a process of a micro guest may open"
        elif limit.name in _UNHELD:
            yield f"--ulimit {limit.name} is told to programs in a micro guest, and not held"


def _capabilities(spec: GuestSpec) -> Iterator[str]:
    granted = capabilities.granted(spec.cap_add, spec.cap_drop, privileged=False)
    if more := [name for name in granted if name not in capabilities.DEFAULT]:
        yield f"--cap-add has no effect in a micro guest: {', '.join(more)}"


def _options(spec: GuestSpec) -> Iterator[str]:
    for option in spec.security_opt:
        if not option.startswith("no-new-privileges"):  # which is what every micro guest has
            yield f"--security-opt {option} has no effect in a micro guest: its system calls are not the host's"
