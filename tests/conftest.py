"""Fixtures for all tests: hosts to try things on, and the proof that nothing stays behind."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from framework.instance import Instance
from framework.leaks import MARK, Watch

pytest_plugins = ["pytester"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--alone",
        action="store_true",
        help="nobody else works on this host: whatever is new on it has leaked, not only what names this session",
    )
    parser.addoption(
        "--patience", type=float, default=10.0, help="seconds until what tests have ended must be gone from the host"
    )


@pytest.fixture(scope="session")
def watch(request: pytest.FixtureRequest) -> Iterator[Watch]:
    """The session's folder and mark, and the eye on what leaks. The folder's path is short: sockets live in it."""
    folder = Path(tempfile.mkdtemp(prefix="wirt-t-", dir="/tmp"))
    mark = secrets.token_hex(8)
    os.environ[MARK] = mark
    option = request.config.getoption
    watch = Watch(folder, mark, patience=option("--patience"), alone=option("--alone"))
    yield watch
    watch.sweep()
    shutil.rmtree(folder)
    del os.environ[MARK]


@pytest.fixture(scope="session", autouse=True)
def _session_leaves_nothing(watch: Watch) -> Iterator[None]:
    """The last word: after all tests and all shared things have gone, the host is as it was."""
    yield from _leaves_nothing(watch, "the session")


@pytest.fixture(scope="module", autouse=True)
def _module_leaves_nothing(watch: Watch, request: pytest.FixtureRequest) -> Iterator[None]:
    """The same after every file of tests, so that a leak is found close to who made it."""
    yield from _leaves_nothing(watch, request.node.name)


def _leaves_nothing(watch: Watch, who: str) -> Iterator[None]:
    before = watch.look()
    yield
    left = watch.leaked(before)
    assert not left, f"{who} left on the host: " + "; ".join(map(str, left))


@pytest.fixture(scope="session")
def new_host(watch: Watch) -> Callable[[], Instance]:
    """Makes a host without images; the caller closes it."""
    numbers = count()
    return lambda: Instance(watch.folder / f"{next(numbers)}")


@pytest.fixture(scope="session")
def busybox_archive(new_host: Callable[[], Instance], watch: Watch) -> Path:
    """An archive of the busybox image, which wirt itself made from Debian's package, once a session."""
    archive = watch.folder / "busybox.tar"
    maker = new_host()
    try:
        maker.ok("image", "bootstrap", "busybox", timeout=300)
        maker.ok("image", "save", "-o", str(archive), "busybox")
    finally:
        maker.close()
    return archive


@pytest.fixture(scope="module")
def host(new_host: Callable[[], Instance], busybox_archive: Path) -> Iterator[Instance]:
    """A host with the image ``busybox``, for all tests of a file: each removes the guests it makes."""
    yield from _furnished(new_host(), busybox_archive)


@pytest.fixture
def own_host(new_host: Callable[[], Instance], busybox_archive: Path) -> Iterator[Instance]:
    """A host with the image ``busybox`` for one test, which may do to it what it likes."""
    yield from _furnished(new_host(), busybox_archive)


def _furnished(instance: Instance, archive: Path) -> Iterator[Instance]:
    try:
        instance.ok("image", "load", "-i", str(archive))
        yield instance
    finally:
        instance.close()
