"""The order ``save``: the process stands still and says what it is, until the order is revoked.

It comes with two files: what the process is goes to the first, as JSON; to the second the areas of its memory
(``AREA``), which whoever gave the order reads meanwhile from outside. The reply is ``{"base": where the host has the
guest's memory}``, or ``{"refused": why not}``.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from typing import Any

from wirt.sentry import orders
from wirt.sentry.checkpoint import descriptors, state
from wirt.sentry.checkpoint.hold import Hold
from wirt.sentry.checkpoint.state import CannotSave
from wirt.sentry.task import Task

__all__ = ["AREA", "ORDER", "save"]

ORDER = "save"
AREA = struct.Struct("<QQQ")  # guest-physical address, size, 1 if all of it is wanted and not only what was touched
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
        found = state.describe(process, standing) | {"descriptors": descriptors.describe(process)}
        _write(order.fds[0], json.dumps(found, separators=(",", ":")).encode())
        _write(order.fds[1], b"".join(AREA.pack(*area) for area in state.areas(process)))
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


def _write(fd: int, data: bytes) -> None:
    view: Any = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


orders.register(ORDER, save)
