"""What ``wirt doctor`` says about running containers here: each sentence comes from trying."""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from wirt.container.runtime import Probe
from wirt.host.cgroup import CgroupLayout, CgroupMode
from wirt.host.seccomp import available as has_libseccomp
from wirt.kinds import capabilities
from wirt.kinds.facts import APPARMOR_PARSER, Facts
from wirt.model.finding import Finding, Level

__all__ = ["findings"]

_TIMEOUT = 20.0
_ENOUGH_FILES = 4096
_NEEDED = {  # controller of v2: that of v1, and what is lost without
    "memory": ("memory", "--memory and the out-of-memory report"),
    "cpu": ("cpu", "--cpus and --cpu-shares"),
    "cpuset": ("cpuset", "--cpuset-cpus"),
    "pids": ("pids", "--pids-limit"),
    "io": ("blkio", "the block counters of stats"),
}


def findings(probes: list[Probe], facts: Facts, layout: CgroupLayout) -> list[Finding]:
    """Every line, the gravest first within a subject."""
    return [
        *_runtimes(probes),
        *_cgroups(facts, layout),
        _seccomp(),
        _apparmor(facts),
        *_capabilities(),
        _criu(),
        *_limits(),
    ]


def _runtimes(probes: list[Probe]) -> Iterator[Finding]:
    if not any(probe.runtime for probe in probes):
        yield Finding(
            "OCI runtime", Level.FAIL, "none works", "containers cannot run", "apt install crun, or apt install runc"
        )
    chosen = True
    for probe in probes:
        if probe.runtime:
            how = " (shown v1 cgroups only: it refuses hybrid hosts)" if probe.runtime.view else ""
            use = "starts containers" if chosen else "works, and is kept in reserve"
            yield Finding(f"OCI runtime {probe.name}", Level.OK, f"{probe.runtime.version}{how}", use)
            chosen = False
        else:
            yield Finding(f"OCI runtime {probe.name}", Level.NOTE, probe.words, "not used", f"apt install {probe.name}")


def _cgroups(facts: Facts, layout: CgroupLayout) -> Iterator[Finding]:
    missing = [name for name, (old, _) in _NEEDED.items() if not {name, old} & layout.controllers]
    if not layout.hierarchies:
        yield Finding("cgroups", Level.FAIL, "none mounted", "containers cannot run", "mount cgroup2 at /sys/fs/cgroup")
        return
    note = "v2 alone is simpler and newer" if layout.mode is not CgroupMode.V2 else ""
    yield Finding("cgroups", Level.OK, f"{layout.mode}: {', '.join(sorted(layout.controllers))}", note)
    for name in missing:
        yield Finding(f"cgroup controller {name}", Level.WARN, "missing", f"{_NEEDED[name][1]} will not work")
    if "memory" in layout.controllers and not facts.swap_accounting:
        yield Finding(
            "swap accounting", Level.NOTE, "off", "--memory-swap has no effect", "boot with swapaccount=1 (cgroup v1)"
        )


def _seccomp() -> Finding:
    if not Path("/proc/sys/kernel/seccomp/actions_avail").exists():
        return Finding(
            "seccomp", Level.WARN, "not in this kernel", "guests start with --security-opt seccomp=unconfined only"
        )
    if not has_libseccomp():
        return Finding(
            "seccomp",
            Level.NOTE,
            "kernel only",
            "starts are slower: filters are made anew each time",
            "apt install libseccomp2",
        )
    return Finding("seccomp", Level.OK, "kernel and libseccomp", "guests run under Docker's default profile")


def _apparmor(facts: Facts) -> Finding:
    if facts.apparmor:
        return Finding("AppArmor", Level.OK, "enabled", "guests run under the profile wirt-default")
    if Path("/sys/kernel/security/apparmor").is_dir() and not Path(APPARMOR_PARSER).exists():
        return Finding("AppArmor", Level.WARN, "enabled, no parser", "guests run without it", "apt install apparmor")
    return Finding("AppArmor", Level.NOTE, "not in this kernel, or off", "guests rely on the other walls")


def _capabilities() -> Iterator[Finding]:
    lacking = [name for name in capabilities.DEFAULT if name not in capabilities.available()]
    if lacking:
        yield Finding(
            "capabilities", Level.WARN, f"without {', '.join(lacking)}", "guests lack them too", "run as root"
        )
    elif "CAP_SYS_RESOURCE" not in capabilities.available():
        yield Finding(
            "capabilities",
            Level.NOTE,
            "without CAP_SYS_RESOURCE",
            "--ulimit cannot go above the daemon's own hard limits",
        )


def _criu() -> Finding:
    path = shutil.which("criu", path="/usr/local/sbin:/usr/sbin:/sbin:/usr/bin")
    if path is None:
        return Finding("CRIU", Level.NOTE, "not installed", "no memory snapshots of containers", "apt install criu")
    try:
        done = subprocess.run([path, "check"], capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return Finding("CRIU", Level.NOTE, "criu check hangs", "no memory snapshots of containers")
    if done.returncode == 0:
        return Finding("CRIU", Level.OK, "criu check passes", "containers can be snapshotted with their memory")
    words = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["it said nothing"]
    return Finding("CRIU", Level.NOTE, f"criu check fails: {words[0]}", "no memory snapshots of containers")


def _limits() -> Iterator[Finding]:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = "unlimited" if hard == resource.RLIM_INFINITY else str(hard)
    enough = hard == resource.RLIM_INFINITY or hard >= _ENOUGH_FILES
    yield Finding(
        "open files",
        Level.OK if enough else Level.WARN,
        f"{files} at most in one process",
        "--ulimit nofile goes up to it",
        "" if enough else "raise LimitNOFILE of the service",
    )
    most = Path("/proc/sys/kernel/pid_max").read_text(encoding="ascii").strip()
    yield Finding("processes", Level.OK, f"{most} at most on the host", "shared by every guest")
