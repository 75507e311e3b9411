"""The systemd units as ``make install`` puts them in place, into a system that does not run: systemctl's own word."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from framework.project import ROOT

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(shutil.which("systemctl") is None, reason="systemctl is not installed"),
]


def units(what: str, prefix: str, root: Path) -> None:
    done = subprocess.run([ROOT / "tools/units.sh", what, prefix, root], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def states(root: Path) -> list[str]:
    """Of the socket and of the service, as systemctl has them."""
    command = ["systemctl", f"--root={root}", "is-enabled", "wirt.socket", "wirt.service"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()


@pytest.mark.parametrize(
    ("prefix", "service"),
    [("/usr/local", "disabled"), ("/usr", "disabled"), ("/opt/elsewhere", "linked")],
)
def test_units_are_switched_on_and_off(tmp_path: Path, prefix: str, service: str) -> None:
    units("install", prefix, tmp_path)
    assert states(tmp_path) == ["enabled", service]
    placed = tmp_path / prefix[1:] / "lib/systemd/system"
    assert f"ExecStart={prefix}/bin/wirt daemon\n" in (placed / "wirt.service").read_text()
    units("install", prefix, tmp_path)  # over itself
    assert states(tmp_path) == ["enabled", service]
    units("remove", prefix, tmp_path)
    left = [path for path in tmp_path.rglob("*") if not path.is_dir() or path.is_symlink()]
    assert left == []
    units("remove", prefix, tmp_path)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_installed_units_are_valid(tmp_path: Path) -> None:
    units("install", "/usr/local", tmp_path)
    program = tmp_path / "usr/local/bin/wirt"
    program.parent.mkdir(parents=True)
    shutil.copy("/bin/true", program)
    for name in ("wirt.socket", "wirt.service"):
        command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", f"--root={tmp_path}", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), name


def test_what_is_asked_for_must_be_known(tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / "tools/units.sh", "upgrade", "/usr", tmp_path], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, "units.sh: install or remove, not upgrade\n")
