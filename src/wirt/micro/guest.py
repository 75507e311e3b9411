"""The monitor as it really is: a platform that was opened on the host's side, and the sentry on the guest's."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NoReturn

from wirt.abi.linux.resource import RLIMITS
from wirt.errors import Unavailable
from wirt.micro.config import MonitorConfig
from wirt.micro.jail import Jail
from wirt.micro.report import Refused, Report
from wirt.sentry import guest
from wirt.sentry.checkpoint import save  # noqa: F401 - answers to its order
from wirt.sentry.checkpoint.resume import CannotResume, resume
from wirt.sentry.checkpoint.saved import SavedGuest
from wirt.sentry.descriptors import OWN
from wirt.sentry.process import GuestOptions
from wirt.sentry.rehearsal import rehearse
from wirt.vmm.choice import choose, prepare_software
from wirt.vmm.kvm.machine import KvmPlatform
from wirt.vmm.platform import Platform
from wirt.vmm.vmi.library import library

__all__ = ["GuestMonitor", "open_monitor", "prepare"]

_quirks: dict[str, bool] = {}  # of platforms: whether `syscall` raises the privilege level


class GuestMonitor:
    """``micro.monitor.Monitor`` with an empty machine, which takes KVM milliseconds to make."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._made = guest.new_machine(platform)

    def rehearse(self, inside: Jail) -> None:
        rehearse(self._platform, self._made, inside.proc_fd)

    def run(self, config: MonitorConfig, program: str, inside: Jail, report: Report) -> NoReturn:
        argv = (os.fsencode(program), *map(os.fsencode, config.argv[1:]))
        environ = tuple(map(os.fsencode, config.env))
        farewell = None if config.join else report.ended
        options = _options(config, inside)
        guest.run(self._platform, options, argv, environ, report.started, farewell, self._made)

    def resume(self, config: MonitorConfig, saved: SavedGuest, inside: Jail, ready: Callable[[], None]) -> NoReturn:
        try:
            resume(self._platform, _options(config, inside), saved, self._made, ready)
        except CannotResume as error:
            raise Refused(125, str(error)) from error


def _options(config: MonitorConfig, inside: Jail) -> GuestOptions:
    return GuestOptions(
        memory=config.memory,
        machine_memory=config.memory,
        cpus=config.cpus,
        hostname=config.hostname,
        proc_fd=inside.proc_fd,
        records_fd=inside.records_fd,
        limits={RLIMITS.index(name): (soft, hard) for name, soft, hard in config.rlimits},
        streams=tuple((about.st_dev, about.st_ino) for about in map(os.fstat, range(3))),
        post=inside.post,
    )


def prepare(platform: str) -> None:
    """Once, in the process whose forks will be monitors: whatever is the same for all of them.

    Only for a platform that is known to work: the trial has no time limit.
    """
    library()
    guest.dispatch()
    if platform == KvmPlatform.name:
        opened = KvmPlatform()
        _quirks[platform] = opened.raises_privilege
        opened.close()
    else:
        prepare_software()


def open_monitor(platform: str) -> GuestMonitor:
    """Called while /dev/kvm is still in sight; ``OSError`` when it does not open."""
    library()
    try:
        return GuestMonitor(_open(platform))
    except Unavailable as error:
        raise Refused(125, str(error)) from error


def _open(name: str) -> Platform:
    """What is new must lie above all the descriptors that a guest can have."""
    if name == KvmPlatform.name:
        return KvmPlatform(lowest_fd=OWN, raises_privilege=_quirks.get(name))
    return choose(name, lowest_fd=OWN)
