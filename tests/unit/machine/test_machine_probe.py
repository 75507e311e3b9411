"""What booting a guest with QEMU finds, and what its findings mean."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from wirt.machine.probe import Boot, judge, probe
from wirt.model.finding import Level


@pytest.mark.skipif(not shutil.which("qemu-system-x86_64"), reason="qemu-system-x86_64 is not installed")
def test_probe_boots_a_guest() -> None:
    (finding,) = probe()
    assert finding.level in (Level.OK, Level.NOTE), finding
    assert "boots a guest on " in finding.found


def test_probe_without_qemu_says_how_to_get_it() -> None:
    (finding,) = probe("no-such-qemu")
    assert (finding.level, finding.found) == (Level.NOTE, "no-such-qemu is not installed")
    assert finding.remedy == "apt install qemu-system-x86"


def test_probe_of_a_qemu_that_fails_repeats_its_words(tmp_path: Path) -> None:
    qemu = tmp_path / "qemu"
    qemu.write_text(
        '#!/bin/sh\ncase $1 in --version) echo "QEMU emulator version 9.9";;\n*) echo "no luck" >&2; exit 1;; esac\n'
    )
    qemu.chmod(0o755)
    (finding,) = probe(str(qemu))
    assert finding.level is Level.WARN
    assert finding.found.startswith("QEMU 9.9 boots a guest neither on KVM (")
    assert finding.found.endswith("nor on its emulator (no luck)")


def test_boots_are_judged_by_the_fastest_that_works() -> None:
    stuck = Boot("no sign of life within 3 s")
    assert judge("7.2", Boot("", 0.2), Boot("not tried")).level is Level.OK
    emulated = judge("7.2", stuck, Boot("", 0.2))
    assert emulated.level is Level.NOTE
    assert (
        emulated.found
        == "QEMU 7.2 boots a guest on its emulator (TCG) in 0.2 s; on KVM not: no sign of life within 3 s"
    )
    assert judge("7.2", stuck, stuck).level is Level.WARN
