"""A Debian root with the programs that conformance and application tests run: made once a checkout, by wirt itself."""

from __future__ import annotations

import functools
import json
import time
from pathlib import Path

from framework.project import ROOT
from wirt.image.bootstrap import bootstrap
from wirt.image.store import ImageStore
from wirt.model.wire import BootstrapRequest

__all__ = ["CACHE", "PACKAGES", "debian_root"]

CACHE = ROOT / "build" / "conformance"
PACKAGES = (
    (
        "busybox busybox-static bash dash coreutils util-linux procps psmisc perl sqlite3 gcc libc6-dev make git curl "
        "nginx-light redis-server nodejs python3 libpython3.11-testsuite stress-ng file less ca-certificates"
    )
    .replace("busybox busybox-static", "busybox-static")
    .split()
)
SUITE = "debian:bookworm"  # the release with CPython 3.11


@functools.cache
def debian_root() -> Path:
    """The unpacked root, read only for everyone: who writes has an overlay above it. Unavailable without a mirror."""
    store = ImageStore(CACHE / "images", CACHE / "layers")
    begun = time.monotonic()
    names = {name for image in store.list() for name in image.names}
    if not any(name.endswith("conformance:latest") for name in names) or not _same_packages():
        bootstrap(BootstrapRequest(recipe=SUITE, name="conformance", packages=tuple(PACKAGES)), store, CACHE / "cache")
        seconds = time.monotonic() - begun
        _note().write_text(json.dumps({"packages": PACKAGES, "seconds": round(seconds, 1)}), encoding="ascii")
    (tree,) = store.rootfs(store.resolve("conformance"))
    return tree


def _same_packages() -> bool:
    note = _note()
    return note.exists() and json.loads(note.read_text(encoding="ascii"))["packages"] == list(PACKAGES)


def _note() -> Path:
    return CACHE / "packages.json"
