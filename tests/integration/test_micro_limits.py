"""Limits of micro guests: ``--ulimit`` reaches programs, and changes of a running guest's limits say what they do."""

from __future__ import annotations

import pytest

from framework.instance import IMAGE, Instance
from framework.waiting import eventually

pytestmark = pytest.mark.root

KIND = "--micro"


@pytest.mark.parametrize(
    ("limits", "asked", "told"),
    [
        (("nofile=100:200",), "ulimit -n; ulimit -Hn", "100\n200\n"),
        (("stack=1048576:2097152",), "ulimit -s; ulimit -Hs; grep stack /proc/self/limits | tr -s ' '",
         "1024\n2048\nMax stack size 1048576 2097152 bytes \n"),
        (("data=67108864", "core=0:1024"), "ulimit -d; ulimit -c; ulimit -Hc", "65536\n0\n2\n"),
        (("fsize=512000",), "ulimit -f; head -c 600000 /dev/zero >/f; wc -c </f", "1000\n512000\n"),
        (("as=33554432",), "ulimit -v; dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null; echo $?",
         "32768\n1\n"),
    ],
)  # fmt: skip
def test_ulimits_are_the_programs(host: Instance, limits: tuple[str, ...], asked: str, told: str) -> None:
    words = [word for limit in limits for word in ("--ulimit", limit)]
    assert host.wirt("run", "--rm", KIND, *words, IMAGE, "sh", "-c", asked).out == told


def test_ulimits_count_for_further_programs(host: Instance) -> None:
    guest = host.ok("run", "-d", KIND, "--ulimit", "nofile=50", "--ulimit", "stack=300001", IMAGE, "sleep", "1000")
    try:
        assert host.ok("exec", guest, "sh", "-c", "ulimit -n; ulimit -s") == "50\n292"
        assert host.wirt("exec", guest, "sh", "-c", "exec 60>/f").code != 0
    finally:
        host.ok("rm", "-f", guest)


def test_ulimits_that_are_not_held_are_told(host: Instance) -> None:
    done = host.wirt(
        "run", "--rm", KIND, "--ulimit", "nofile=100000", "--ulimit", "rss=5", IMAGE, "sh", "-c", "ulimit -n"
    )
    assert (done.code, done.out) == (0, "8192\n")
    assert "--ulimit nofile: lowered to 8192" in done.err
    assert "--ulimit rss is told to programs in a micro guest, and not held" in done.err


def test_processes_within_their_limit_all_run(host: Instance) -> None:
    script = 'for i in 1 2 3 4 5 6; do sleep 0.3 & p="$p $!"; done; for i in $p; do wait $i; echo -n $?; done'
    done = host.wirt("run", "--rm", KIND, "--pids-limit", "9", IMAGE, "sh", "-c", script)
    assert (done.out, done.err) == ("000000", "")


TOLD = """
room() { dd if=/dev/zero of=/dev/null bs=200M count=1 2>/dev/null && echo room || echo none; }
trap 'grep MemTotal /proc/meminfo; room' USR1
room
while :; do sleep 0.1; done
"""


def test_memory_of_a_running_guest_changes_at_once(host: Instance) -> None:
    guest = host.ok("run", "-d", KIND, "-m", "128m", IMAGE, "sh", "-c", TOLD)
    try:
        assert eventually(lambda: host.ok("logs", guest) == "none")
        assert host.wirt("update", "-m", "512m", "--memory-swap", "-1", guest).err == ""
        host.ok("kill", "-s", "USR1", guest)
        assert eventually(lambda: host.ok("logs", guest).split("\n")[1:] == ["MemTotal:         524288 kB", "room"])
        assert host.ok("exec", guest, "grep", "MemTotal", "/proc/meminfo") == "MemTotal:         524288 kB"
        assert host.wirt("update", "-m", "96m", guest).err == ""
        host.ok("kill", "-s", "USR1", guest)
        assert eventually(lambda: host.ok("logs", guest).split("\n")[3:] == ["MemTotal:          98304 kB", "none"])
    finally:
        host.ok("rm", "-f", guest)


def test_memory_of_a_paused_guest_changes_for_its_next_programs_with_a_warning(host: Instance) -> None:
    guest = host.ok("run", "-d", KIND, "-m", "128m", IMAGE, "sleep", "1000")
    try:
        host.ok("pause", guest)
        done = host.wirt("update", "-m", "256m", "--memory-swap", "-1", guest)
        assert (done.code, done.out) == (0, f"{guest}\n")
        assert "warning: programs that run already may map as much memory as before" in done.err
        host.ok("unpause", guest)
        assert host.ok("exec", guest, "grep", "MemTotal", "/proc/meminfo") == "MemTotal:         262144 kB"
    finally:
        host.ok("rm", "-f", guest)
