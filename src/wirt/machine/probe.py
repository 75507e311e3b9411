"""Whether QEMU boots guests on this host, and on what: found by booting one that says so through a port.

The guest is a boot sector behind QEMU's own firmware. The firmware is what makes it a proof: it needs protected mode,
interrupts and timers, and hangs on hosts where a lone instruction still works.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from dataclasses import dataclass

from wirt.host.bounded import run_bounded
from wirt.model.finding import Finding, Level

__all__ = ["Boot", "judge", "probe"]

_SUBJECT = "qemu"
_QEMU = "qemu-system-x86_64"
_SECONDS = 3.0
_CPUS = {"kvm": "host", "tcg": "max"}  # what machines get on either

_EXIT_PORT, _TOLD = 0x501, 0x10
_EXIT_STATUS = _TOLD << 1 | 1  # of QEMU's isa-debug-exit device
# mov dx, EXIT_PORT; mov al, TOLD; out dx, al; 1: hlt; jmp 1b; and the mark of a boot sector in its last two bytes
_BOOT_SECTOR = bytes.fromhex("ba0105 b010 ee f4 ebfd").ljust(510, b"\0") + b"\x55\xaa"


@dataclass(frozen=True, slots=True)
class Boot:
    """How booting ended: ``problem`` "" is well, after ``seconds``."""

    problem: str
    seconds: float = 0.0


def probe(qemu: str = _QEMU) -> list[Finding]:
    """Boot a guest with each of QEMU's accelerators, for three seconds at most."""
    try:
        version = _version(qemu)
    except FileNotFoundError:
        meaning = "no virtual machine can run here; containers do not need it"
        return [Finding(_SUBJECT, Level.NOTE, f"{qemu} is not installed", meaning, "apt install qemu-system-x86")]
    with tempfile.NamedTemporaryFile(prefix="wirt-boot-") as sector:
        sector.write(_BOOT_SECTOR)
        sector.flush()
        kvm = _boot(qemu, "kvm", sector.name) if os.path.exists("/dev/kvm") else Boot("/dev/kvm is absent")  # noqa: PTH110
        tcg = _boot(qemu, "tcg", sector.name) if kvm.problem else Boot("not tried")
    return [judge(version, kvm, tcg)]


def judge(version: str, kvm: Boot, tcg: Boot) -> Finding:
    """What the ends of the two boots mean; ``tcg`` counts where ``kvm`` failed."""
    if not kvm.problem:
        found = f"QEMU {version} boots a guest on KVM in {kvm.seconds:.1f} s"
        return Finding(_SUBJECT, Level.OK, found, "whole virtual machines run at the processor's own speed here")
    if not tcg.problem:
        meaning = "whole virtual machines run here, many times slower than on a KVM that carries them"
        remedy = "that takes VT-x or AMD-V; where this host is a virtual machine itself, nested virtualization"
        found = f"QEMU {version} boots a guest on its emulator (TCG) in {tcg.seconds:.1f} s; on KVM not: {kvm.problem}"
        return Finding(_SUBJECT, Level.NOTE, found, meaning, remedy)
    found = f"QEMU {version} boots a guest neither on KVM ({kvm.problem}) nor on its emulator ({tcg.problem})"
    return Finding(
        _SUBJECT, Level.WARN, found, "no virtual machine can run here", "apt install --reinstall qemu-system-x86"
    )


def _version(qemu: str) -> str:
    said = run_bounded([qemu, "--version"], _SECONDS).out
    found = re.search(r"version (\S+)", said)
    return found[1] if found else "of unknown version"


def _boot(qemu: str, accelerator: str, disk: str) -> Boot:
    began = time.monotonic()
    ended = run_bounded(
        [
            qemu,
            *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", "16"),
            *("-machine", "pc", "-accel", accelerator, "-cpu", _CPUS[accelerator]),
            *("-drive", f"file={disk},format=raw,if=floppy,readonly=on"),
            *("-device", f"isa-debug-exit,iobase={_EXIT_PORT:#x},iosize=1"),
        ],
        _SECONDS,
    )
    if ended.status == _EXIT_STATUS:
        return Boot("", time.monotonic() - began)
    if ended.status is None:
        return Boot(f"no sign of life within {_SECONDS:.0f} s")
    said = [line for line in ended.err.splitlines() if "warning:" not in line]
    return Boot(said[-1].removeprefix(f"{qemu}: ") if said else f"it ended with status {ended.status}")
