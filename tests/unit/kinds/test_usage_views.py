"""``stats`` and ``top``, of this very process."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable

import pytest

from wirt import errors
from wirt.host.cgroup import CgroupLayout
from wirt.kinds import stats, top
from wirt.kinds.facts import Facts
from wirt.model.guest import Guest

NewGuest = Callable[..., Guest]


def test_stats_of_a_guest_without_cgroups_still_know_the_host(new_guest: NewGuest, facts: Facts) -> None:
    sample = stats.read(new_guest(), "/none", CgroupLayout(()), facts)
    assert (sample.name, sample.cpus_online, sample.memory_limit) == ("test", 4, 8 << 30)
    assert sample.cpu_system_seconds > 0
    assert (sample.net_rx, sample.net_tx) == (0, 0)


def test_stats_count_the_network_of_the_guests_process(new_guest: NewGuest, facts: Facts) -> None:
    guest = dataclasses.replace(new_guest(), pid=os.getpid())
    sample = stats.read(guest, "/none", CgroupLayout(()), facts)
    with open("/proc/self/net/dev", encoding="ascii") as file:
        links = [line.split(":")[0].strip() for line in file.readlines()[2:]]
    assert (sample.net_rx > 0) == (links != ["lo"])
    shared = dataclasses.replace(new_guest(network="host"), pid=os.getpid())
    assert stats.read(shared, "/none", CgroupLayout(()), facts).net_rx == 0


def test_top_shows_the_guests_processes_only() -> None:
    view = top.view([os.getpid()], "")
    assert {"UID", "PID", "CMD"} <= set(view.titles)
    [row] = view.processes
    assert row[view.titles.index("PID")] == str(os.getpid())
    assert " " in row[-1]  # a command with its arguments is one column


def test_top_takes_any_arguments_that_show_a_pid() -> None:
    view = top.view([os.getpid()], "-e -o comm,pid")
    assert view.titles == ("COMMAND", "PID")
    assert len(view.processes) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [("-e -o comm", "no column PID"), ("--no-such-flag", "ps --no-such-flag:"), ('-o "', "ps -o")],
)
def test_top_refuses_arguments_that_do_not(arguments: str, message: str) -> None:
    with pytest.raises(errors.InvalidInput, match=message):
        top.view([1], arguments)
