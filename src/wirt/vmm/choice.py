"""Which platform runs micro guests on this host: the one that was asked for, or the first that ran a guest."""

from __future__ import annotations

import logging

from wirt.errors import Unavailable
from wirt.model.finding import Level
from wirt.vmm.kvm.machine import KvmPlatform
from wirt.vmm.platform import Platform
from wirt.vmm.probe import probe

__all__ = ["choose", "prepare_software"]

log = logging.getLogger("wirt.vmm")


def choose(name: str = "", *, lowest_fd: int = 0, raises_privilege: bool | None = None) -> Platform:
    """``lowest_fd``: where the platform's descriptors begin. ``raises_privilege``: what an earlier trial found.

    Without a name and an earlier trial one is made, in another process and for two seconds at most: there are hosts
    where KVM opens and never comes back. Where it runs no guest an emulated processor does, and the log says so.
    ``Unavailable`` when the host cannot do that either, or not what was asked for.
    """
    if name not in ("", "kvm", "software"):
        raise Unavailable(f"there is no platform {name} for micro guests", hint="kvm and software are, or leave it out")
    if name == "software":
        return _software()
    if not name and raises_privilege is None:
        (finding,) = probe()
        if finding.level is not Level.OK:
            log.warning("micro guests run on an emulated processor, 10 to 50 times slower: %s", finding.found)
            return _software()
    try:
        return KvmPlatform(lowest_fd=lowest_fd, raises_privilege=raises_privilege)
    except OSError as error:
        raise Unavailable(
            f"micro guests need a /dev/kvm that runs guests: {error.strerror or error}",
            hint="wirt doctor says more; the platform software does without",
        ) from error


def prepare_software() -> None:
    """What every guest on that platform needs, found out once in the process that forks them. ``Unavailable``."""
    try:
        from wirt.vmm.software.machine import SoftwarePlatform  # noqa: F401 - with all it needs
        from wirt.vmm.software.state import find_places

        find_places()
    except (ImportError, OSError) as error:
        raise _no_unicorn(error) from error


def _software() -> Platform:
    try:
        from wirt.vmm.software.machine import SoftwarePlatform

        platform: Platform = SoftwarePlatform()
    except (ImportError, OSError) as error:
        raise _no_unicorn(error) from error
    return platform


def _no_unicorn(error: Exception) -> Unavailable:
    return Unavailable(
        f"micro guests without KVM need the emulated processor of the package unicorn: {error}",
        hint="pip install unicorn; wirt doctor says why there is no KVM",
    )
