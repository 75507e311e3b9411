"""Every test here runs on every OCI runtime that works on this host; a skip names the one that does not, and why."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from framework.containers import ContainerHost
from framework.leaks import Watch
from wirt import errors


@pytest.fixture(scope="module", params=["crun", "runc"])
def host(request: pytest.FixtureRequest, watch: Watch) -> Iterator[ContainerHost]:
    """A host whose containers run on one of the runtimes."""
    if os.geteuid():
        pytest.skip("needs root, to run containers")
    made = ContainerHost(watch.folder / f"c-{request.param}", request.param)
    try:
        made.runtime.warm()
    except errors.Unavailable as error:
        shutil.rmtree(made.folder)
        pytest.skip(str(error))
    yield made
    left = made.close()
    shutil.rmtree(made.folder)
    assert left == []
