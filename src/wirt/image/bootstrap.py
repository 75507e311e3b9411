"""Base images without a registry: made from Debian's packages, by recipe.

=====================  ==========================================================  ==============
recipe                 what is in it                                               takes about
=====================  ==========================================================  ==============
``busybox``            busybox-static alone: a shell and 270 tools in 2 MB         a second
``debian:RELEASE``     a minimal Debian (mmdebstrap's minbase) and the packages    15 seconds
                       that are asked for; ``debian`` alone is the host's release
=====================  ==========================================================  ==============
"""

from __future__ import annotations

import io
import re
from pathlib import Path

from wirt.errors import InvalidInput
from wirt.host.failures import explaining
from wirt.image import busybox, debian, reference
from wirt.image.apt import host_codename
from wirt.image.intake import OnProgress
from wirt.image.store import ImageStore
from wirt.model.image import ImageConfig, Progress
from wirt.model.wire import BootstrapRequest

__all__ = ["bootstrap", "sweep"]

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_suite = re.compile(r"[a-z][a-z0-9-]*", re.ASCII).fullmatch
_package = re.compile(r"[a-z0-9][a-z0-9+.-]+(?::[a-z0-9]+)?(?:=[A-Za-z0-9.+:~-]+|/[a-z0-9-]+)?", re.ASCII).fullmatch
_mirror = re.compile(r"(?:https?|file)://[^\s\[\]]+", re.ASCII).fullmatch


def bootstrap(request: BootstrapRequest, store: ImageStore, cache: Path, progress: OnProgress | None = None) -> str:
    """Makes the image and gives it its name (the recipe by default); returns its id.

    ``cache`` keeps packages for the next time. An image that would come out the same is not made again. InvalidInput,
    Unavailable (no mmdebstrap, no network), NotFound (no such package), OutOfSpace, RuntimeFailure.
    """
    distribution, _, suite = request.recipe.partition(":")
    for package in request.packages:
        if not _package(package):
            raise InvalidInput(f"{package!r} is no package name", hint="write NAME, NAME=VERSION or NAME/RELEASE")
    if request.name:
        reference.parse(request.name)
    if request.mirror and not _mirror(request.mirror):
        raise InvalidInput(f"{request.mirror!r} is no mirror", hint="write http://host/debian")
    with explaining(f"bootstrap {request.recipe}"):
        cache = cache / "bootstrap"
        cache.mkdir(parents=True, exist_ok=True)
        if distribution == "busybox" and not suite:
            return _busybox(request, store, cache, progress)
        if distribution == "debian":
            return _debian(request, suite or host_codename() or "stable", store, cache, progress)
    raise InvalidInput(f"there is no recipe {request.recipe!r}", hint="write busybox, or debian:bookworm and the like")


def sweep(cache: Path) -> None:
    """Removes what a bootstrap that was killed left in the cache. Only at a start."""
    debian.sweep(cache / "bootstrap")


def _busybox(request: BootstrapRequest, store: ImageStore, cache: Path, progress: OnProgress | None) -> str:
    if request.packages or request.mirror:
        raise InvalidInput("the busybox image has no packages to choose", hint="use debian:bookworm and --package")
    if progress:
        progress(Progress("bootstrap", "Fetching busybox-static", 0, 1, "steps"))
    archive, made = busybox.rootfs(cache)
    config = ImageConfig(env=(_PATH,), command=("sh",))
    return store.import_rootfs(
        io.BytesIO(archive),
        request.name or "busybox",
        config=config,
        created=made,
        created_by="wirt image bootstrap busybox",
        progress=progress,
    )


def _debian(request: BootstrapRequest, suite: str, store: ImageStore, cache: Path, progress: OnProgress | None) -> str:
    if not _suite(suite):
        raise InvalidInput(
            f"{suite!r} is no Debian release", hint="write debian:bookworm, debian:trixie, debian:sid ..."
        )
    packages = sorted(set(request.packages))
    name = request.name or f"debian:{suite}"
    if packages and not request.name:
        raise InvalidInput("an image with packages of its own needs a name of its own", hint="use --name NAME")
    with debian.Build(suite, packages, request.mirror, cache, progress) as build:
        # The same lists of packages make the same image: this line and the time tell.
        made_by = " ".join(["wirt image bootstrap", f"debian:{suite}", *packages, "from", *build.uris])
        known = store.find_made(made_by, build.created)
        if known:
            store.tag(known, name)
            return known
        config = ImageConfig(env=(_PATH,), command=("bash",))
        return store.import_rootfs(
            build, name, config=config, created=build.created, created_by=made_by, progress=progress
        )
