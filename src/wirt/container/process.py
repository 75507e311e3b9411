"""The ``process`` object: what a guest's first program, or one ``exec`` beside it, runs as."""

from __future__ import annotations

import os

from wirt import errors
from wirt.abi import oci_runtime as oci
from wirt.container import apparmor, capabilities, limits, security
from wirt.container.facts import Facts
from wirt.container.mounts import INIT_PATH
from wirt.container.users import Account, resolve
from wirt.model.guest import ExecSpec, Guest, GuestSpec
from wirt.model.launch import Launch

__all__ = ["exec_process", "guest_process"]

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def guest_process(launch: Launch, facts: Facts) -> oci.Process:
    """The guest's own program, its user looked up below ``launch.rootfs``."""
    guest = launch.guest
    if not guest.argv:
        raise errors.InvalidInput("no command: the image names none, and none was given", hint="wirt run IMAGE COMMAND")
    program = ExecSpec(command=(INIT_PATH, "--", *guest.argv) if launch.init_path else guest.argv, tty=guest.spec.tty)
    return _process(guest, facts, launch.rootfs, program)


def exec_process(guest: Guest, facts: Facts, root: str, program: ExecSpec) -> oci.Process:
    """A program beside the guest's; ``root``: the running guest's own view of its files, /proc/PID/root."""
    if not program.command:
        raise errors.InvalidInput("no command to execute", hint="wirt exec GUEST COMMAND")
    return _process(guest, facts, root, program)


def _process(guest: Guest, facts: Facts, root: str, program: ExecSpec) -> oci.Process:
    spec = guest.spec
    account = _account(root, program.user or guest.user, spec)
    options = security.parse(spec.security_opt)
    caps = capabilities.granted(spec.cap_add, spec.cap_drop, privileged=spec.privileged or program.privileged)
    return oci.Process(
        user=oci.User(account.uid, account.gid, account.groups),
        args=program.command,
        cwd=_folder(program.workdir or guest.workdir),
        env=_environment(guest, account, program),
        terminal=program.tty,
        capabilities=_capabilities(caps, account.uid),
        rlimits=limits.rlimits(spec.ulimits)[0],
        no_new_privileges=options.no_new_privileges,
        apparmor_profile=apparmor.profile_for(options.apparmor, facts, privileged=spec.privileged),
        oom_score_adj=0 if facts.may_set_oom_score else None,
    )


def _folder(workdir: str) -> str:
    if workdir and not workdir.startswith("/"):
        raise errors.InvalidInput(f'the working directory "{workdir}" is not an absolute path')
    return workdir or "/"


def _account(root: str, user: str, spec: GuestSpec) -> Account:
    root_fd = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return resolve(root_fd, user, spec.group_add)
    finally:
        os.close(root_fd)


def _capabilities(names: tuple[str, ...], uid: int) -> oci.Capabilities:
    """Whoever is not root starts with none, and may gain those of the bounding set through set-uid programs."""
    if uid:
        return oci.Capabilities(bounding=names)
    return oci.Capabilities(bounding=names, effective=names, permitted=names)


def _environment(guest: Guest, account: Account, program: ExecSpec) -> tuple[str, ...]:
    """Defaults, the guest's own, the program's; a later one wins, and a name without a value goes away."""
    defaults = [DEFAULT_PATH]
    if guest.hostname:
        defaults.append(f"HOSTNAME={guest.hostname}")
    if program.tty:
        defaults.append("TERM=xterm")
    merged: dict[str, str] = {}
    for entry in (*defaults, *guest.env, *program.env):
        name, separator, _ = entry.partition("=")
        if separator:
            merged[name] = entry
        else:
            merged.pop(name, None)
    merged.setdefault("HOME", f"HOME={account.home}")
    return tuple(merged.values())
