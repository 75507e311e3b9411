"""Which image of several suits this host."""

from __future__ import annotations

import os
from functools import cache

from wirt.errors import InvalidInput
from wirt.image.documents import Descriptor, Index, Platform

__all__ = ["choose", "host_platform", "named"]

# uname(2)'s machine -> Go's names for architecture and variant, which images use (Go's GOARCH)
_MACHINES = {
    "x86_64": ("amd64", ""),
    "aarch64": ("arm64", "v8"),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "i686": ("386", ""),
    "i386": ("386", ""),
    "loongarch64": ("loong64", ""),
}


@cache
def host_platform() -> Platform:
    machine = os.uname().machine
    architecture, variant = _MACHINES.get(machine, (machine, ""))
    return Platform(architecture, "linux", variant=variant)


def named(platform: Platform) -> str:
    """ "linux/arm/v7"."""
    return "/".join(filter(None, (platform.os, platform.architecture, platform.variant)))


def choose(index: Index, what: str) -> Descriptor:
    """The one of several images that runs here. An index without platforms means its first image.

    InvalidInput: none does; ``what`` names the image then.
    """
    host = host_platform()
    fitting = [found for found in index.manifests if found.platform and _fits(found.platform, host)]
    if fitting:
        exact = [found for found in fitting if found.platform and found.platform.variant == host.variant]
        return (exact or fitting)[0]
    unspecific = [found for found in index.manifests if found.platform is None]
    if unspecific:
        return unspecific[0]
    offered = ", ".join(named(found.platform) for found in index.manifests if found.platform) or "no platform at all"
    raise InvalidInput(f"{what} is for {offered}, and this host is {named(host)}")


def _fits(offered: Platform, host: Platform) -> bool:
    if (offered.os, offered.architecture) != (host.os, host.architecture):
        return False
    # Variants are versions of an architecture: an older one runs on a newer.
    return not (offered.variant and host.variant) or offered.variant <= host.variant
