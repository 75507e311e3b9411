"""The machine as a whole, as a guest sees it."""

from __future__ import annotations

import errno
import struct

import pytest

from framework.guest_parts import call, guest_task
from wirt.sentry.syscalls.system import CALLS
from wirt.sentry.table import Call, Support

AT = 0x10000
REFUSED = [entry for entry in CALLS if entry.support is Support.NONE]


def test_sysinfo_tells_the_guests_memory_and_the_hosts_uptime() -> None:
    task = guest_task()
    assert call(CALLS, "sysinfo", task, AT) == 0
    raw = task.mm.read(AT, 112)
    uptime, _, _, _, total, free = struct.unpack_from("<Q3QQQ", raw)
    with open("/proc/uptime", encoding="ascii") as file:
        assert abs(uptime - float(file.read().split()[0])) < 2
    assert total == task.process.options.machine_memory
    assert 0 < free <= total
    assert struct.unpack_from("<H", raw, 80)[0] == 1  # processes: no procfs here
    assert struct.unpack_from("<I", raw, 104)[0] == 1  # mem_unit
    assert call(CALLS, "sysinfo", task, 8) == -errno.EFAULT


def test_getrandom_fills_what_it_says() -> None:
    task = guest_task()
    assert call(CALLS, "getrandom", task, AT, 4096, 0) == 4096
    assert task.mm.read(AT, 4096).count(0) < 100
    assert task.mm.read(AT + 4096, 16) == bytes(16)
    assert call(CALLS, "getrandom", task, AT, 16, 8) == -errno.EINVAL
    assert call(CALLS, "getrandom", task, AT, 16, 6) == -errno.EINVAL
    assert call(CALLS, "getrandom", task, 8, 16, 0) == -errno.EFAULT
    assert call(CALLS, "getrandom", task, AT, 16, 1) == 16


@pytest.mark.parametrize("entry", REFUSED, ids=lambda entry: entry.name)
def test_refused_calls_fail_with_what_their_note_says(entry: Call) -> None:
    result = call(CALLS, entry.name, guest_task())
    assert errno.errorcode[-result] == entry.note.partition(":")[0]
