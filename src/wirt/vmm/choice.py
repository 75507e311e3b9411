"""Which platform runs micro guests on this host: the one that was asked for, or the first that ran a guest."""

from __future__ import annotations

from wirt.errors import Unavailable
from wirt.model.host import Level
from wirt.vmm.kvm.machine import KvmPlatform
from wirt.vmm.platform import Platform
from wirt.vmm.probe import probe

__all__ = ["choose"]


def choose(name: str = "", *, lowest_fd: int = 0, raises_privilege: bool | None = None) -> Platform:
    """``lowest_fd``: where the platform's descriptors begin. ``raises_privilege``: what an earlier trial found.

    Without a name and an earlier trial one is made, in another process and for two seconds at most: there are hosts
    where KVM opens and never comes back. ``Unavailable`` when the host cannot do it, or not what was asked for.
    """
    if name not in ("", "kvm"):
        raise Unavailable(f"there is no platform {name} for micro guests here", hint="leave it out, or ask for kvm")
    if not name and raises_privilege is None:
        (finding,) = probe()
        if finding.level is not Level.OK:
            raise Unavailable(f"micro guests need KVM: {finding.found}", hint=finding.remedy or "wirt doctor says more")
    try:
        return KvmPlatform(lowest_fd=lowest_fd, raises_privilege=raises_privilege)
    except OSError as error:
        raise Unavailable(
            f"micro guests need a /dev/kvm that runs guests: {error.strerror or error}", hint="wirt doctor says more"
        ) from error
