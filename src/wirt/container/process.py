"""The ``process`` object: what a guest's first program, or one ``exec`` beside it, runs as."""

from __future__ import annotations

from wirt.abi import oci_runtime as oci
from wirt.container import apparmor, security
from wirt.kinds import capabilities, limits
from wirt.kinds.facts import Facts
from wirt.kinds.program import first_program, further_program, surroundings
from wirt.model.guest import ExecSpec, Guest
from wirt.model.launch import Launch

__all__ = ["exec_process", "guest_process"]


def guest_process(launch: Launch, facts: Facts) -> oci.Process:
    """The guest's own program, its user looked up below ``launch.rootfs``."""
    return _process(launch.guest, facts, launch.rootfs, first_program(launch))


def exec_process(guest: Guest, facts: Facts, root: str, program: ExecSpec) -> oci.Process:
    """A program beside the guest's; ``root``: the running guest's own view of its files, /proc/PID/root."""
    return _process(guest, facts, root, further_program(program))


def _process(guest: Guest, facts: Facts, root: str, program: ExecSpec) -> oci.Process:
    spec = guest.spec
    around = surroundings(guest, root, program)
    account = around.account
    options = security.parse(spec.security_opt)
    caps = capabilities.granted(spec.cap_add, spec.cap_drop, privileged=spec.privileged or program.privileged)
    return oci.Process(
        user=oci.User(account.uid, account.gid, account.groups),
        args=program.command,
        cwd=around.folder,
        env=around.env,
        terminal=program.tty,
        console_size=oci.ConsoleSize(*program.size) if program.tty and all(program.size) else None,
        capabilities=_capabilities(caps, account.uid),
        rlimits=limits.rlimits(spec.ulimits)[0],
        no_new_privileges=options.no_new_privileges,
        apparmor_profile=apparmor.profile_for(options.apparmor, facts, privileged=spec.privileged),
        oom_score_adj=0 if facts.may_set_oom_score else None,
    )


def _capabilities(names: tuple[str, ...], uid: int) -> oci.Capabilities:
    """Whoever is not root starts with none, and may gain those of the bounding set through set-uid programs."""
    if uid:
        return oci.Capabilities(bounding=names)
    return oci.Capabilities(bounding=names, effective=names, permitted=names)
