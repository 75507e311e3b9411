"""Micro guests whose first program cannot be loaded: the reason is told, with Docker's codes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from framework.instance import IMAGE, Instance

pytestmark = pytest.mark.root

HUGE = "static char room[1UL << 30]; int main(void) { return room[0]; }"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs that are none, or too large."""
    made = tmp_path_factory.mktemp("programs")
    subprocess.run(["gcc", "-xc", "-", "-static", "-o", made / "huge"], input=HUGE, text=True, check=True)
    (made / "script").write_text("#!/bin/nobody\n")
    (made / "words").write_text("nothing that could be run\n")
    (made / "half").write_bytes((made / "huge").read_bytes()[:100])
    for program in made.iterdir():
        program.chmod(0o755)
    return made


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("huge", 126, "cannot allocate memory"),
        ("script", 127, "no such file or directory"),
        ("words", 126, "exec format error"),
        ("half", 126, "exec format error"),
    ],
)
def test_program_that_cannot_be_loaded_says_why(
    host: Instance, folder: Path, name: str, code: int, reason: str
) -> None:
    done = host.wirt("run", "--rm", "--micro", "-m", "256m", "-v", f"{folder}:/t", IMAGE, f"/t/{name}")
    assert (done.code, done.out, done.err) == (code, "", f'wirt: exec: "/t/{name}": {reason}\n')


def test_exec_of_a_program_that_does_not_fit_says_why(host: Instance, folder: Path) -> None:
    guest = host.ok("run", "-d", "--micro", "-m", "256m", "-v", f"{folder}:/t", IMAGE, "sleep", "1000")
    try:
        done = host.wirt("exec", guest, "/t/huge")
        assert (done.code, done.out) == (126, "")
        assert "cannot allocate memory" in done.err
    finally:
        host.ok("rm", "-f", guest)
