"""What the trial of KVM finds, and what its findings mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from wirt.host.bounded import Ended
from wirt.model.finding import Level
from wirt.vmm.probe import judge, probe


def test_probe_runs_a_guest_on_kvm() -> None:
    (finding,) = probe()
    assert finding.subject == "kvm"
    if finding.level is not Level.OK:
        pytest.skip(f"no KVM that runs guests: {finding.found}")
    assert "ring 3" in finding.found


def test_probe_without_the_device_says_how_to_get_it(tmp_path: Path) -> None:
    (finding,) = probe(tmp_path / "kvm")
    assert (finding.level, finding.found) == (Level.NOTE, f"{tmp_path}/kvm is absent")
    assert "software processor" in finding.meaning
    assert finding.remedy


def test_probe_of_a_device_that_is_no_kvm_says_what_failed() -> None:
    (finding,) = probe(Path("/dev/null"))
    assert finding.level is Level.NOTE
    assert "KVM_GET_API_VERSION: Inappropriate ioctl for device" in finding.found


@pytest.mark.parametrize(
    ("trial", "found"),
    [
        (Ended(None, "", ""), "a guest in real mode did not come back within 2 s"),
        (Ended(None, "real-mode 0.001\n", ""), "a guest in ring 3 did not come back within 2 s"),
        (Ended(1, "real-mode 0.001\n", "a\nKVM_RUN: Bad address\n"), "does not run in ring 3: KVM_RUN: Bad address"),
        (Ended(-9, "", ""), "does not run in real mode: the trial ended with status -9"),
    ],
)
def test_trial_that_fails_means_no_acceleration(trial: Ended, found: str) -> None:
    finding = judge(trial)
    assert finding.level is Level.NOTE
    assert finding.found.endswith(found)


def test_trial_that_succeeds_means_acceleration() -> None:
    finding = judge(Ended(0, "real-mode 0.00012\nring-3 0.004\n", ""))
    assert finding.level is Level.OK
    assert "first exit after 0.1 ms" in finding.found
