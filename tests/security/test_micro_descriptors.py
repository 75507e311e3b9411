"""Descriptors of a guest are its monitor's of the same number: what the monitor opens for itself is out of reach."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from framework.instance import IMAGE, Instance

pytestmark = pytest.mark.root

TRIES = 300


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    folder.chmod(0o755)
    source = Path(__file__).with_name("reach.c")
    command = ["gcc", "-D_GNU_SOURCE", "-O1", "-static", "-pthread", "-Wall", "-o", folder / "reach", source]
    subprocess.run(command, check=True)
    return folder


@pytest.mark.parametrize("user", ["0", "1000"])
@pytest.mark.parametrize("what", ["/proc", "/proc/self/fd", "/proc/1/fd"])
@pytest.mark.parametrize("way", ["number", "proc"])
def test_nothing_of_the_monitors_can_be_caught(host: Instance, programs: Path, way: str, what: str, user: str) -> None:
    words = ("run", "--rm", "--micro", "-u", user, "-v", f"{programs}:/t:ro", IMAGE, "/t/reach", way, what, str(TRIES))
    done = host.wirt(*words, timeout=100)
    assert (done.code, done.out, done.err) == (0, "nothing\n", "")
