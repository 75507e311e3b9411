"""The order ``save``: a process stands still and says what it is, until the order is revoked.

It comes with a folder: what the process is goes to a file ``N.state`` there, as JSON, where N is its number in the
guest, and the areas of its memory to ``N.areas`` (``AREA``): whoever gave the order reads those meanwhile, from
outside.
The reply is ``{"base": where the host has the guest's memory}``, or ``{"refused": why not}``.
"""

from __future__ import annotations

import json
import os
import socket
import struct

from wirt.sentry import orders
from wirt.sentry.checkpoint import descriptors, state
from wirt.sentry.checkpoint.hold import Hold
from wirt.sentry.checkpoint.saved import AREA, ORDER
from wirt.sentry.checkpoint.state import CannotSave
from wirt.sentry.task import Task

__all__ = ["save"]

_PATIENCE = 5.0  # seconds for all threads to stand still
_NO_TIMEOUT = struct.pack("qq", 0, 0)


def save(task: Task, order: orders.Order) -> None:
    process = task.process
    with process.lock:
        if process.hold is not None:
            _refuse(order, "it is being saved already")
            return
        hold = process.hold = Hold(process)
    try:
        standing = hold.gather(task, _PATIENCE)
        opened = descriptors.describe(process)
        state.part_with_files(process, opened)
        found = state.describe(process, standing) | {"descriptors": opened}
        _write(order.fds[0], f"{process.pid}.state", json.dumps(found, separators=(",", ":")).encode())
        _write(order.fds[0], f"{process.pid}.areas", b"".join(AREA.pack(*area) for area in state.areas(process)))
        order.reply(base=process.mm.memory.base)
        order.channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _NO_TIMEOUT)
        order.channel.recv(1)  # nothing but its end comes
    except (CannotSave, TimeoutError) as error:
        _refuse(order, str(error))
    except OSError as error:
        _refuse(order, f"it cannot be written down: {error}")
    finally:
        hold.end()
        order.done()


def _refuse(order: orders.Order, reason: str) -> None:
    order.reply(refused=reason)
    order.done()


def _write(folder: int, name: str, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with open(os.open(name, flags, 0o644, dir_fd=folder), "wb") as file:
        file.write(data)


orders.register(ORDER, save)
