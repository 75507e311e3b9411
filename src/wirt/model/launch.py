"""What passes between the engine, a kind's runtime and the keeper when a guest or a command in it starts."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from wirt.model.guest import Guest, MountPoint

__all__ = ["Console", "Launch", "LogOptions", "Plan"]


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything a runtime needs to start a guest; all paths are on the host and exist.

    ``mounts``: in the order to be made, volumes already turned into host folders, and /etc/hosts and friends included.
    ``netns``: the network namespace's file; "" means the host's network.
    ``pid_ns``, ``ipc_ns``, ``uts_ns``: "" a new one, "host", or the file of the namespace to join.
    ``shm``: what is mounted at /dev/shm for a guest that joins another's ``ipc_ns``, or "".
    ``init_path``: the init program to put before the guest's own, or "".
    ``saved``: the folder of a snapshot from which the guest goes on, instead of running its program; or "".
    ``size``: rows and columns of its terminal when it starts; 0 where nobody knows.
    """

    guest: Guest
    rootfs: str
    bundle: str
    mounts: tuple[MountPoint, ...] = ()
    netns: str = ""
    pid_ns: str = ""
    ipc_ns: str = ""
    uts_ns: str = ""
    shm: str = ""
    init_path: str = ""
    saved: str = ""
    size: tuple[int, int] = (0, 0)


class Console(enum.StrEnum):
    """Where the program's terminal comes from."""

    NONE = "none"  # three pipes
    SOCKET = "socket"  # the runtime makes the pty and sends its master over ``Plan.console_socket``
    MONITOR = "monitor"  # the monitor makes it and sends its master with its report


@dataclass(frozen=True, slots=True)
class Plan:
    """A program for the keeper to run, or what the keeper itself shall become in a fork of it.

    ``monitor``: the configuration of a micro guest's monitor (``micro.config``); then ``argv`` is empty and only
    ``console``, ``pid_ns`` and ``platform`` count beside it. ``pid_ns`` "": a pid namespace of the guest's own, else
    the file of one. ``platform``: what the virtual processor is made of.

    ``pid_file`` "": ``argv`` is the guest. Otherwise ``argv`` ends by itself when the guest runs, and has written the
    guest's process id to ``pid_file``; the guest is then an orphan that the keeper, a subreaper, waits for.
    ``error_log``: where ``argv`` leaves its own complaints (JSON lines with "level" and "msg", or plain text).
    """

    argv: tuple[str, ...] = ()
    pid_file: str = ""
    console: Console = Console.NONE
    console_socket: str = ""
    error_log: str = ""
    env: tuple[str, ...] = ()
    cwd: str = "/"
    monitor: str = ""
    pid_ns: str = ""
    platform: str = ""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """``path`` of the newest file; older ones get .1, .2 ...; ``max_size`` in bytes."""

    path: str
    max_size: int = 10 << 20
    max_files: int = 5
