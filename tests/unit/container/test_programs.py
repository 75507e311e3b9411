"""Programs written out by hand run as written."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

import pytest

from wirt.container import programs

MACHINE = os.uname().machine


def install(tmp_path: Path, code: bytes | None) -> str:
    if code is None:
        pytest.skip(f"there is no such program for {MACHINE}")
    path = tmp_path / "program"
    path.write_bytes(code)
    path.chmod(0o755)
    return str(path)


def test_proof_ends_with_its_number(tmp_path: Path) -> None:
    done = subprocess.run([install(tmp_path, programs.proof(MACHINE))], check=False)
    assert done.returncode == programs.PROOF_STATUS


@pytest.mark.parametrize(("machine", "number"), [("x86_64", 62), ("aarch64", 183)])
def test_proof_is_an_executable_for_its_machine(machine: str, number: int) -> None:
    code = programs.proof(machine)
    assert code is not None
    assert code[:4] == b"\x7fELF"
    assert struct.unpack_from("<HH", code, 16) == (2, number)


def test_other_machines_have_none() -> None:
    assert programs.proof("pdp11") is None
    assert programs.v1_view("pdp11") is None


def hybrid() -> bool:
    return os.path.ismount("/sys/fs/cgroup/unified")


@pytest.mark.root
def test_view_hides_v2_from_its_program_and_from_nobody_else(tmp_path: Path) -> None:
    if not hybrid():
        pytest.skip("this host's cgroups are not hybrid")
    view = install(tmp_path, programs.v1_view(MACHINE))
    tree = Path("/sys/fs/cgroup/unified")
    mine = f"wirt-test-{os.getpid()}"
    script = f"ls {tree}; mkdir {tree}/{mine}; mkdir /sys/fs/cgroup/memory/{mine}; rmdir /sys/fs/cgroup/memory/{mine}"
    done = subprocess.run([view, "", "/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == ""
    assert (tree / "cgroup.procs").exists()
    assert not (tree / mine).exists()


@pytest.mark.root
def test_view_passes_arguments_environment_and_status_on(tmp_path: Path) -> None:
    if not hybrid():
        pytest.skip("this host's cgroups are not hybrid")
    view = install(tmp_path, programs.v1_view(MACHINE))
    script = 'echo "$0 $1 $A"; exit 5'
    command = [view, "", "/bin/sh", "-c", script, "zero", "one"]
    done = subprocess.run(command, capture_output=True, text=True, env={"A": "b"}, check=False)
    assert (done.returncode, done.stdout) == (5, "zero one b\n")


@pytest.mark.root
@pytest.mark.parametrize("words", [("/not/there/cgroup.procs", "/bin/true"), ("", "/not/there")])
def test_view_says_when_it_fails(tmp_path: Path, words: tuple[str, str]) -> None:
    if not hybrid():
        pytest.skip("this host's cgroups are not hybrid")
    view = install(tmp_path, programs.v1_view(MACHINE))
    done = subprocess.run([view, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 125
    assert done.stderr == "wirt: cannot hide the cgroup v2 tree from the container runtime\n"
