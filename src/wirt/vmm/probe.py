"""Whether /dev/kvm runs guests, or an emulated processor in its place: found by running one on each."""

from __future__ import annotations

import sys
from pathlib import Path

from wirt.host.bounded import Ended, run_bounded
from wirt.model.finding import Finding, Level
from wirt.vmm.trial import REAL_MODE, RING_3

__all__ = ["judge", "probe", "probe_software"]

_SUBJECT = "kvm"
_SECONDS = 2.0
_SOFTWARE = "emulated processor"
_SOFTWARE_SECONDS = 20.0
_WITHOUT = "guests with a kernel of their own need a software processor, 10 to 50 times slower; containers do not"


def probe(device: Path = Path("/dev/kvm")) -> list[Finding]:
    """Open ``device`` and run a tiny guest on it, in another process and for two seconds at most."""
    try:
        device.open("r+b", buffering=0).close()
    except FileNotFoundError:
        return [Finding(_SUBJECT, Level.NOTE, f"{device} is absent", _WITHOUT, _how_to_get_it(_cpu_flags()))]
    except PermissionError:
        remedy = "run the daemon as root, or add its user to the group kvm"
        return [Finding(_SUBJECT, Level.NOTE, f"{device} may not be opened", _WITHOUT, remedy)]
    except OSError as error:
        return [Finding(_SUBJECT, Level.NOTE, f"{device} does not open: {error.strerror}", _WITHOUT)]
    source = str(Path(__file__).parents[2])
    code = f"import sys; sys.path.insert(0, {source!r}); from wirt.vmm.trial import main; main()"
    return [judge(run_bounded([sys.executable, "-I", "-S", "-c", code, str(device)], _SECONDS))]


def probe_software() -> Finding:
    """Run tiny guests on the platform ``software``, in another process."""
    code = f"import sys; sys.path[:] = {sys.path!r}; from wirt.vmm.software.trial import main; main()"
    trial = run_bounded([sys.executable, "-I", "-S", "-c", code], _SOFTWARE_SECONDS)
    if trial.status == 0:
        return Finding(_SOFTWARE, Level.OK, "Unicorn runs guests", "10 to 50 times slower than KVM does")
    said = trial.err.strip().splitlines() or [f"the trial ended with status {trial.status}"]
    return Finding(_SOFTWARE, Level.NOTE, f"Unicorn runs no guests: {said[-1]}", "", "pip install unicorn")


def judge(trial: Ended) -> Finding:
    """What the trial's end means."""
    seconds = {name: float(took) for name, took in (line.split() for line in trial.out.splitlines())}
    if trial.status == 0 and {REAL_MODE, RING_3} <= seconds.keys():
        took = f"first exit after {seconds[REAL_MODE] * 1000:.1f} ms"
        found = f"a guest ran in real mode and in ring 3 ({_module()}, {took})"
        return Finding(_SUBJECT, Level.OK, found, "user code of a guest runs at the processor's own speed")
    where = "ring 3" if REAL_MODE in seconds else "real mode"
    if trial.status is None:
        found = f"it opens, but a guest in {where} did not come back within {_SECONDS:.0f} s"
    else:
        said = trial.err.strip().splitlines() or [f"the trial ended with status {trial.status}"]
        found = f"it opens, but a guest does not run in {where}: {said[-1]}"
    remedy = "in a virtual machine, ask for nested virtualization; else look at dmesg for what KVM says"
    return Finding(_SUBJECT, Level.NOTE, found, _WITHOUT, remedy)


def _module() -> str:
    """Which module does it: kvm_intel, kvm_amd or another."""
    found = sorted(path.name for path in Path("/sys/module").glob("kvm_*"))
    return ", ".join(found) or "kvm"


def _cpu_flags() -> set[str]:
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
        return next((set(line.split(":", 1)[1].split()) for line in lines if line.startswith("flags")), set())


def _how_to_get_it(flags: set[str]) -> str:
    if "vmx" in flags:
        return "modprobe kvm_intel"
    if "svm" in flags:
        return "modprobe kvm_amd"
    if "hypervisor" in flags:
        return "this host is a virtual machine itself: turn on nested virtualization for it, where it runs"
    return "turn on VT-x or AMD-V (SVM) in the firmware, if the processor has it"
