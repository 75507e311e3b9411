"""Guests of several processes that are forked: who is whose child, pipes between them, sessions, jobs, the dead."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from framework.instance import IMAGE, Instance
from framework.waiting import eventually

pytestmark = pytest.mark.root

# Process, parent, group and session, by name, of everything but the command that asks.
FAMILY = (
    'for d in /proc/[0-9]*; do set -- $(cat $d/stat 2>/dev/null); case "$2" in "(ps)"|"(cat)"|"") ;; '
    '*) [ "$4" != 0 -o "$1" = 1 ] && echo "$1 $2 $4 $5 $6";; esac; done; true'
)


@pytest.fixture(autouse=True)
def _no_guest_stays(host: Instance) -> Iterator[None]:
    yield
    if guests := host.ok("ps", "-aq").split():
        host.ok("rm", "-f", *guests)


def family(host: Instance, guest: str) -> list[str]:
    return sorted(host.ok("exec", guest, "sh", "-c", FAMILY).splitlines())


def start(host: Instance, script: str) -> None:
    host.ok("run", "-d", "--micro", "--name", "g", IMAGE, "sh", "-c", script)


def says(host: Instance, guest: str, text: str) -> bool:
    return eventually(lambda: text in host.ok("logs", guest), patience=30)


@pytest.mark.parametrize(
    ("script", "members"),
    [
        ("sleep 1000; true", 2),
        ("sleep 1000 & sleep 1001 & sleep 1002; true", 4),
        ("(exec sleep 1000) | (exec sleep 1001)", 3),
        ("sh -c 'setsid sleep 1000 &'; sleep 1001; true", 3),
        ("set -m; true | sleep 1000 & sleep 1001; true", 3),
        ("sh -c 'sleep 1000 & exec sleep 1001' & sleep 1002; true", 4),
    ],
    ids=["a child", "three children", "a pipeline", "a daemon", "a job whose leader has ended", "a grandchild"],
)
def test_a_clone_has_the_same_family(host: Instance, script: str, members: int) -> None:
    start(host, script)
    assert eventually(lambda: sum("(sleep)" in line for line in family(host, "g")) == members - 1, patience=30)
    before = family(host, "g")
    assert len(before) == members
    host.ok("fork", "g", "2")
    assert family(host, "g-1") == family(host, "g-2") == family(host, "g") == before


def test_pipes_between_processes_lose_nothing(host: Instance) -> None:
    """A counter writes, a reader reads slowly: what is on the way is in the clone's pipe, and in the original's."""
    start(host, "seq 1 400 | while read x; do echo $x; [ $x = 5 ] && sleep 2; done; echo end")
    assert says(host, "g", "5\n")
    host.ok("fork", "g")
    for guest in ("g", "g-1"):
        assert says(host, guest, "end"), host.ok("logs", guest)[-100:]
    original = host.ok("logs", "g").split()
    clone = host.ok("logs", "g-1").split()
    assert original == [str(number) for number in range(1, 401)] + ["end"]
    assert clone == original[len(original) - len(clone) :]


def test_a_parent_hears_of_children_that_had_ended(host: Instance) -> None:
    start(host, "(exit 7) & p=$!; echo $p; sleep 3; wait $p; echo status $?; sleep 1000")
    assert eventually(lambda: host.ok("logs", "g") != "", patience=30)
    host.ok("fork", "g")
    for guest in ("g", "g-1"):
        assert says(host, guest, "status 7"), host.ok("logs", guest)


def test_processes_of_clones_are_born_and_die_on(host: Instance) -> None:
    start(host, "i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done")
    assert says(host, "g", "3\n")
    host.ok("fork", "g", "3")
    for guest in ("g", "g-1", "g-2", "g-3"):
        lines = host.ok("logs", guest).split()
        assert eventually(lambda guest=guest, lines=lines: len(host.ok("logs", guest).split()) > len(lines) + 3)
        numbers = [int(line) for line in host.ok("logs", guest).split()]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert int(host.ok("logs", "g-1").split()[0]) > 1


def test_what_is_in_memory_as_files_goes_along(host: Instance) -> None:
    host.ok("run", "-d", "--micro", "--name", "g", "--tmpfs", "/scratch", IMAGE, "sh", "-c",
            "echo note >/scratch/note; mkfifo /scratch/p; ln -s note /scratch/l; echo shm >/dev/shm/x; exec sleep 1000",
            )  # fmt: skip
    assert eventually(lambda: host.wirt("exec", "g", "grep", "shm", "/dev/shm/x").code == 0, patience=30)
    host.ok("fork", "g")
    host.ok("exec", "g", "sh", "-c", "echo other >/scratch/note")
    assert host.ok("exec", "g-1", "sh", "-c", "cat /scratch/l /dev/shm/x; test -p /scratch/p && echo fifo").split() == [
        "note",
        "shm",
        "fifo",
    ]


def test_a_command_of_exec_is_no_part_of_a_guest(host: Instance) -> None:
    start(host, "sleep 1000; true")
    host.ok("exec", "-d", "g", "sleep", "500")
    refused = host.wirt("fork", "g")
    assert refused.code
    assert "wirt exec" in refused.err
    assert host.ok("ps", "-q").count("\n") == 0
