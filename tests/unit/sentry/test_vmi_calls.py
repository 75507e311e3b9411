"""The calls of the virtual machine interface, made by a C program in a guest: there is no native to compare with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from framework.platforms import PLATFORMS, require
from framework.project import ROOT

pytestmark = pytest.mark.root

SOURCE = Path(__file__).with_name("vmi_program.c")
SAID = """\
version 0x10000, limit 512 MiB
used 1, room 1
give fine
7 0 7, less 1
short 8, 1
bad buffer EFAULT
unaligned EINVAL
endless EINVAL
hole ENOMEM, 7
limit 512 MiB
more ENOMEM
endless ENOMEM
unknown ENOSYS
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file system with the program and nothing else."""
    folder = tmp_path_factory.mktemp("root")
    headers = ROOT / "src" / "wirt" / "vmm" / "vmi"
    command = ["gcc", "-D_GNU_SOURCE", "-O1", "-static", "-Wall", f"-I{headers}", "-o", folder / "program", SOURCE]
    subprocess.run(command, check=True)
    return folder


def _run(root: Path, platform: str, *words: str) -> tuple[int, str, str]:
    own = ["--root", str(root), "--platform", platform, "--memory", str(512 << 20)]
    command = [sys.executable, "-m", "wirt.sentry.run", *own, "--", "/program", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("platform", PLATFORMS)
def test_guest_asks_for_memory_gives_it_back_and_ends(root: Path, platform: str) -> None:
    require(platform)
    assert _run(root, platform) == (42, SAID, "")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_any_process_ends_the_guest(root: Path, platform: str) -> None:
    require(platform)
    assert _run(root, platform, "0") == (0x45, "", "")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_first_process_that_computes_hears_of_the_end(root: Path, platform: str) -> None:
    require(platform)
    assert _run(root, platform, "0", "computes") == (0x45, "", "")
