"""Which platform is chosen, and what is said when there is none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from framework.forked import forked
from framework.tiny_guest import platform_or_skip
from wirt.errors import Unavailable
from wirt.model.finding import Finding, Level
from wirt.vmm import choice
from wirt.vmm.choice import choose
from wirt.vmm.kvm.machine import KvmPlatform
from wirt.vmm.memory import GuestMemory


def _descriptors() -> set[int]:
    return {int(name.name) for name in Path("/proc/self/fd").iterdir() if name.exists()}


def test_choice_keeps_descriptors_above_the_guests() -> None:
    platform_or_skip()

    def body() -> None:
        before = _descriptors()
        platform = choose("kvm", lowest_fd=700)
        machine = platform.create(GuestMemory(1 << 20))
        machine.vcpu()
        assert platform.name == "kvm"
        ours = _descriptors() - before
        assert len(ours) == 3
        assert min(ours) >= 700
        assert not any(os.get_inheritable(fd) for fd in ours)
        machine.close()

    forked(body)


def test_choice_of_an_unknown_platform_is_refused() -> None:
    with pytest.raises(Unavailable, match="no platform abacus"):
        choose("abacus")


def test_choice_without_a_kvm_that_runs_guests_is_software_and_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = Finding("kvm", Level.NOTE, "it opens, but a guest did not come back", "", "ask for nested virtualization")
    monkeypatch.setattr(choice, "probe", lambda: [found])
    assert choose().name == "software"
    assert "did not come back" in caplog.text


def test_choice_without_unicorn_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wirt.vmm.software.machine", None)
    with pytest.raises(Unavailable, match="package unicorn") as caught:
        choose("software")
    assert caught.value.hint.startswith("pip install unicorn")


def test_platform_on_something_else_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        KvmPlatform(device=str(tmp_path / "kvm"))
    with pytest.raises(OSError, match="KVM_GET_SUPPORTED_CPUID"):
        KvmPlatform(device="/dev/null")
