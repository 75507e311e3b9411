"""AppArmor, where the kernel has it: the profile every guest runs under unless told otherwise.

The profile lets a guest do what its capabilities allow within itself, and keeps it from the kernel's switches under
/proc and /sys, from mounting, and from processes that are not its own.
"""

from __future__ import annotations

import subprocess

from wirt import errors
from wirt.container.security import UNCONFINED
from wirt.kinds.facts import APPARMOR_PARSER, Facts

__all__ = ["DEFAULT_NAME", "PROFILE", "ensure_loaded", "profile_for"]

DEFAULT_NAME = "wirt-default"
_LOADED = "/sys/kernel/security/apparmor/profiles"
_TIMEOUT = 30.0  # seconds; compiling takes a fraction of one

# apparmor.d(5)
PROFILE = f"""\
profile {DEFAULT_NAME} flags=(attach_disconnected,mediate_deleted) {{
  network,
  deny network alg,
  capability,
  file,
  umount,
  deny mount,

  # Whoever starts and stops guests is not confined, or is a runtime with a profile of its own.
  signal (receive) peer=unconfined,
  signal (receive) peer=runc,
  signal (receive) peer=crun,
  signal (send, receive) peer={DEFAULT_NAME},
  ptrace (trace, read, tracedby, readby) peer={DEFAULT_NAME},

  # Of /proc, a guest writes to its processes' folders, and to what its namespaces hold of /proc/sys.
  deny /proc/[a-z]* w,
  deny /proc/{{acpi,asound,bus,driver,fs,irq,pressure,scsi,tty}}/** w,
  deny /proc/sys/{{abi,crypto,debug,dev,sunrpc,user,vm,xen}}/** w,
  deny /proc/sys/fs/[^m]** w,
  deny /proc/sys/kernel/{{[^ms],m[^s],s[^eh]}}** w,
  deny /proc/{{kcore,sysrq-trigger}} rwklx,

  # Of /sys, to its cgroups.
  deny /sys/{{block,bus,class,dev,devices,firmware,hypervisor,kernel,module,power}}/** wklx,
  deny /sys/fs/{{[^c],c[^g]}}** wklx,
  deny /sys/{{firmware,kernel/security,devices/virtual/powercap}}/** rwklx,
}}
"""


def profile_for(asked: str, facts: Facts, *, privileged: bool) -> str:
    """The profile's name for a guest; "" on a host without AppArmor."""
    if not facts.apparmor:
        return ""
    if asked or privileged:
        return asked or UNCONFINED
    return DEFAULT_NAME


def ensure_loaded() -> None:
    """The kernel has our profile when this returns: others may have unloaded it since the last guest."""
    with open(_LOADED, encoding="utf-8") as file:
        if any(line.startswith(f"{DEFAULT_NAME} ") for line in file):
            return
    command = [APPARMOR_PARSER, "--replace", "--skip-cache"]
    done = subprocess.run(command, input=PROFILE, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    if done.returncode:
        words = " ".join(done.stderr.split())
        raise errors.RuntimeFailure(
            f"apparmor_parser: {words}", hint="--security-opt apparmor=unconfined starts the guest without a profile"
        )
