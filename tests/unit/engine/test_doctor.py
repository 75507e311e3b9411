"""``wirt doctor`` on this host, whatever it can do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from wirt.container.container import ContainerRuntime
from wirt.engine import doctor
from wirt.model.finding import Finding, Level
from wirt.model.guest import Kind

SUBJECTS = (
    "privileges",
    "kernel",
    "cgroups",
    "overlay",
    "network rules",
    "kvm",
    "qemu",
    "disk",
    "run folder",
    "memory",
)
LAST = ("bootstrap", "init", "systemd")


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    folder = tmp_path_factory.mktemp("doctor")
    runtime = ContainerRuntime(folder / "state", folder / "run")
    return asyncio.run(doctor.examine(folder / "state", folder / "run", {Kind.CONTAINER: runtime}))


def test_doctor_examines_everything_in_a_fixed_order(findings: list[Finding]) -> None:
    subjects = [finding.subject for finding in findings]
    assert [subject for subject in subjects if subject in SUBJECTS + LAST] == [*SUBJECTS, *LAST]


def test_doctor_names_what_is_wrong_and_how_to_mend_it(findings: list[Finding]) -> None:
    for finding in findings:
        assert finding.found
        assert "\n" not in finding.found + finding.meaning + finding.remedy
        if finding.level in (Level.WARN, Level.FAIL):
            assert finding.meaning, finding


def test_probe_that_fails_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken() -> Sequence[Finding]:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(doctor, "probe_vmm", broken)
    monkeypatch.setattr(doctor, "probe_machine", list)
    found = {finding.subject: finding for finding in asyncio.run(doctor.examine(tmp_path, tmp_path, {}))}
    assert found["kvm"].level is Level.WARN
    assert "Input/output error" in found["kvm"].found
    assert found["overlay"].level is Level.OK


def test_doctor_warns_of_a_kernel_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    new = os.uname()
    old = os.uname_result((new.sysname, new.nodename, "4.19.0-27-amd64", new.version, new.machine))
    monkeypatch.setattr(os, "uname", lambda: old)
    (finding,) = doctor._kernel()
    assert finding.level is Level.WARN
    assert finding.found.startswith("Linux 4.19.0-27-amd64")


def test_doctor_warns_of_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    (finding,) = doctor._disk("disk", tmp_path / "not/made/yet", "images", enough=1 << 60)
    assert finding.level is Level.WARN
    assert "not/made/yet" in finding.found


def test_doctor_names_the_packages_that_are_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (finding,) = doctor._bootstrap()
    assert (finding.level, finding.remedy) == (Level.NOTE, "apt-get install mmdebstrap apt dpkg")
