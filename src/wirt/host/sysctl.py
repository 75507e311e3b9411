"""Kernel settings below /proc/sys, of the calling thread's network namespace where they are about the network."""

from __future__ import annotations

import os

__all__ = ["read_sysctl", "write_sysctl"]


def read_sysctl(name: str) -> str:
    """The setting ``name``, a path such as "net/ipv4/ip_forward". ``OSError``."""
    with open(f"/proc/sys/{name}", encoding="ascii") as file:
        return file.read().strip()


def write_sysctl(name: str, value: str) -> None:
    """Set ``name``. ``OSError``: FileNotFoundError where this kernel has no such setting."""
    fd = os.open(f"/proc/sys/{name}", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, value.encode())
    finally:
        os.close(fd)
