"""What a guest's program, or one exec beside it, runs as: user, folder, environment; the same for every kind."""

from __future__ import annotations

import os
from dataclasses import dataclass

from wirt import errors
from wirt.kinds.mounts import INIT_PATH
from wirt.kinds.users import Account, resolve
from wirt.model.guest import ExecSpec, Guest
from wirt.model.launch import Launch

__all__ = ["DEFAULT_PATH", "Surroundings", "first_program", "further_program", "surroundings"]

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """``env`` is complete: "NAME=value", each name once."""

    account: Account
    folder: str
    env: tuple[str, ...]


def first_program(launch: Launch) -> ExecSpec:
    """The guest's own, behind its init program if it has one."""
    guest = launch.guest
    if not guest.argv:
        raise errors.InvalidInput("no command: the image names none, and none was given", hint="wirt run IMAGE COMMAND")
    command = (INIT_PATH, "--", *guest.argv) if launch.init_path else guest.argv
    return ExecSpec(command=command, tty=guest.spec.tty, size=launch.size)


def further_program(wanted: ExecSpec) -> ExecSpec:
    """``wanted``, if there is anything to run."""
    if not wanted.command:
        raise errors.InvalidInput("no command to execute", hint="wirt exec GUEST COMMAND")
    return wanted


def surroundings(guest: Guest, root: str, program: ExecSpec) -> Surroundings:
    """Users are looked up in the guest's files below ``root``. ``InvalidInput`` for who or what cannot be."""
    account = _account(root, program.user or guest.user, guest.spec.group_add)
    return Surroundings(account, _folder(program.workdir or guest.workdir), _environment(guest, account, program))


def _folder(workdir: str) -> str:
    if workdir and not workdir.startswith("/"):
        raise errors.InvalidInput(f'the working directory "{workdir}" is not an absolute path')
    return workdir or "/"


def _account(root: str, user: str, group_add: tuple[str, ...]) -> Account:
    root_fd = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return resolve(root_fd, user, group_add)
    finally:
        os.close(root_fd)


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
