"""The monitor as it really is: a platform that was opened on the host's side, and the sentry on the guest's."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NoReturn

from wirt.micro.config import MonitorConfig
from wirt.micro.jail import Jail
from wirt.sentry import guest
from wirt.sentry.process import GuestOptions
from wirt.vmm.choice import choose
from wirt.vmm.platform import Platform

__all__ = ["GuestMonitor", "open_monitor"]


class GuestMonitor:
    """``micro.monitor.Monitor`` over the platform that the configuration names."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def run(self, config: MonitorConfig, program: str, inside: Jail, ready: Callable[[], None]) -> NoReturn:
        options = GuestOptions(
            memory=config.memory,
            machine_memory=config.memory,
            cpus=config.cpus,
            hostname=config.hostname,
            proc_fd=inside.proc_fd,
            records_fd=inside.records_fd,
        )
        argv = (os.fsencode(program), *map(os.fsencode, config.argv[1:]))
        guest.run(self._platform, options, argv, tuple(map(os.fsencode, config.env)), ready)


def open_monitor(config: MonitorConfig) -> GuestMonitor:
    """Called while /dev/kvm is still in sight."""
    return GuestMonitor(choose(config.platform))
