"""Orders to the monitors of a guest that runs: the test is its daemon for a while."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from framework.instance import IMAGE, Instance
from framework.waiting import eventually
from wirt.keeper import channel
from wirt.vmm.platform import KICK

pytestmark = pytest.mark.root

PATIENCE = 20.0
# A shell that waits, a process that waits, one that is busy, one that runs calls, and one in a subshell of its own.
FAMILY = "sleep 1000 & (while :; do :; done) & (while :; do cat /dev/null; done) & (sleep 1001; echo never) & wait"


@pytest.fixture
def guest(host: Instance) -> Iterator[str]:
    made = host.ok("run", "-d", "--micro", IMAGE, "sh", "-c", FAMILY)
    assert eventually(lambda: len(members(host, made)) >= 6)
    yield made
    for left in host.ok("ps", "-aq").split():
        host.ok("rm", "-f", left)


@contextmanager
def keeper(host: Instance, guest: str) -> Iterator[Any]:
    """The control channel of the guest's keeper, while no daemon has it."""
    whole = next(path.name for path in (host.run / "g").iterdir() if path.name.startswith(guest[:12]))
    host.end_daemon()
    control = channel.connect(str(host.run / "g" / whole / "keeper.sock"))
    try:
        assert receive(control)["event"] == "hello"
        yield control
    finally:
        control.close()


def receive(control: Any) -> dict[str, Any]:
    assert select.select([control], [], [], PATIENCE)[0], "nothing came"
    message, _ = channel.receive(control)
    return message


def members(host: Instance, guest: str) -> set[int]:
    """The processes of a guest, by the host's numbers; some may be gone by now."""
    return {int(line.split()[1]) for line in host.ok("top", guest).splitlines()[1:]}


def kick(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, KICK)


def test_every_process_answers_an_order_and_goes_on(host: Instance, guest: str) -> None:
    before = {pid for pid in members(host, guest) if Path(f"/proc/{pid}").exists()}
    with keeper(host, guest) as control:
        reader, writer = os.pipe()
        channel.send(control, {"op": "order", "order": "x", "name": "dance", "arguments": {}}, [writer])
        os.close(writer)
        assert receive(control) == {"event": "ordered", "order": "x"}
        for pid in before:
            kick(pid)
        said: dict[int, list[Any]] = {}
        while len([pid for pid, replies in said.items() if pid in before and None in replies]) < 5:
            message = receive(control)
            assert message["event"] == "reply"
            said.setdefault(message["pid"], []).append(message["reply"])
        refusal = {"refused": "this guest's monitor knows no order 'dance'"}
        assert all(replies == [refusal, None][: len(replies)] for replies in said.values())
        channel.send(control, {"op": "revoke", "order": "x"})
        assert select.select([reader], [], [], PATIENCE)[0]
        assert os.read(reader, 1) == b"", "a descriptor of the order is open in the guest"
        os.close(reader)
    assert host.ok("ps", "-q").strip() == guest[:12]
    after = members(host, guest)
    assert len(before & after) >= 5, "a process died of an order"
    assert host.ok("exec", guest, "echo", "well") == "well"


def test_kick_without_an_order_disturbs_nobody(host: Instance, guest: str) -> None:
    before = members(host, guest)
    for _ in range(20):
        for pid in before:
            kick(pid)
    assert len(before & members(host, guest)) >= 5


def test_process_that_begins_later_hears_of_an_open_order(host: Instance, guest: str) -> None:
    with keeper(host, guest) as control:
        channel.send(control, {"op": "order", "order": "x", "name": "dance", "arguments": {}})
        assert receive(control) == {"event": "ordered", "order": "x"}
        message = receive(control)  # the loop of cats has a new one all the time; nobody was kicked
        assert message["event"] == "reply"


def test_wait_that_is_kicked_ends_in_time(host: Instance) -> None:
    """Were it begun anew with each kick, it would never end."""
    guest = host.ok("run", "-di", "--micro", IMAGE, "sh", "-c", "read -t 2 x; usleep 500000; echo over; sleep 1000")
    try:
        [pid] = members(host, guest)

        def over() -> bool:
            for _ in range(20):
                kick(pid)
            return "over" in host.ok("logs", guest)

        assert eventually(over)
    finally:
        host.ok("rm", "-f", guest)
