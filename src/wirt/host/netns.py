"""Network namespaces pinned to a path, and calls made inside them (network_namespaces(7), setns(2)).

Only threads of this module's own change their namespace, and they end with the call: no thread of the caller's is ever
left in a guest's network.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TypeVar

from wirt.abi.linux.mount import MS_BIND
from wirt.abi.linux.sched import CLONE_NEWNET
from wirt.host.mount import mount, unmount
from wirt.host.namespaces import setns, unshare

__all__ = ["call_in", "call_in_new", "create", "remove"]

_T = TypeVar("_T")


def create(path: str, setup: Callable[[], None]) -> None:
    """A new namespace, made ready by ``setup`` inside it, then pinned to ``path``, a new file. ``OSError``."""
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444))

    def inside() -> None:
        unshare(CLONE_NEWNET)
        setup()
        mount("/proc/thread-self/ns/net", path, None, MS_BIND)

    try:
        _in_thread(inside)
    except BaseException:
        os.unlink(path)
        raise


def remove(path: str) -> None:
    """Unpin a namespace; the kernel takes it away, links and all, when no process is in it any more."""
    unmount(path, lazy=True)
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def call_in(path: str, function: Callable[[], _T]) -> _T:
    """What ``function`` returns or raises when called inside a pinned namespace."""

    def inside() -> _T:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            setns(fd, CLONE_NEWNET)
        finally:
            os.close(fd)
        return function()

    return _in_thread(inside)


def call_in_new(function: Callable[[], _T]) -> _T:
    """What ``function`` returns or raises when called inside a new namespace, which ends with the call."""

    def inside() -> _T:
        unshare(CLONE_NEWNET)
        return function()

    return _in_thread(inside)


def _in_thread(function: Callable[[], _T]) -> _T:
    results: list[_T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:  # raised again in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=run, name="netns")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
