"""The cache of downloads: it is shown, it is emptied when that is asked for, and fills again by itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

import pytest

from framework.instance import Instance

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt-get is missing: no Debian host"),
]


def _cached(host: Instance) -> int:
    kinds = json.loads(host.ok("system", "df", "--format", "json").splitlines()[-1])
    return int(kinds["size"] if kinds["type"] == "Build Cache" else -1)


def test_cache_is_emptied_on_request_alone(new_host: Callable[[], Instance]) -> None:
    host = new_host()
    try:
        host.ok("image", "bootstrap", "busybox", timeout=300)
        assert _cached(host) > 1 << 16
        host.ok("system", "prune", "-f")
        assert _cached(host) > 1 << 16
        told = host.ok("system", "prune", "-f", "--cache")
        assert "bootstrap/busybox" in told
        assert _cached(host) == 0
        assert host.ok("system", "prune", "-f", "--cache") == "space reclaimed: 0B"
        host.ok("image", "bootstrap", "-t", "again", "busybox", timeout=300)
        assert _cached(host) > 1 << 16
    finally:
        host.close()
