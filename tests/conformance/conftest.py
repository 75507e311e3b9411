"""What takes minutes runs when it is asked for: ``make conformance``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing

import pytest

from framework.ahead import Ahead, Case
from framework.conformance import GuestServer
from framework.platforms import absent

collect_ignore = [] if os.environ.get("WIRT_CONFORMANCE") == "all" else ["test_cpython.py"]


@pytest.fixture(scope="module")
def server() -> Iterator[GuestServer]:
    """Whoever forks guests."""
    with closing(GuestServer()) as server:
        yield server


@pytest.fixture(scope="module")
def ahead(request: pytest.FixtureRequest, server: GuestServer) -> Iterator[Ahead]:
    """All cases of the module that were asked for; its ``SECONDS`` are how long one may take."""
    with closing(Ahead(list(_cases(request)), server, request.module.SECONDS)) as ahead:
        yield ahead


def _cases(request: pytest.FixtureRequest) -> Iterator[Case]:
    for item in request.session.items:
        if isinstance(item, pytest.Function) and item.module is request.module and hasattr(item, "callspec"):
            params = item.callspec.params
            if not absent(params["platform"]):
                yield params["program"], params["platform"]
