"""``wirt run --rm`` returns at its guest's end; whatever comes next sees nothing of the guest any more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from framework.instance import Instance

pytestmark = pytest.mark.root

AGAIN = range(5)  # the races are narrow


@pytest.fixture(scope="module")
def network(host: Instance) -> Iterator[str]:
    host.ok("network", "create", "--subnet", "10.214.77.0/24", "n")
    yield "n"
    host.ok("network", "rm", "n")


def test_listing_does_not_show_it(host: Instance) -> None:
    for _ in AGAIN:
        host.ok("run", "--rm", "busybox", "true")
        assert host.ok("ps", "-aq") == ""


def test_name_is_free_after_an_end_and_after_a_start_that_failed(host: Instance) -> None:
    for _ in AGAIN:
        assert host.wirt("run", "--rm", "--name", "x", "busybox", "no-such-program").code == 127
        host.ok("run", "--rm", "--name", "x", "busybox", "true")
        assert "no such guest" in host.wirt("inspect", "x").err


def test_full_id_is_not_found(host: Instance) -> None:
    for _ in AGAIN:
        guest = host.ok("run", "-d", "--rm", "--network", "none", "busybox", "sleep", "60")
        host.ok("stop", "-t", "0", guest)
        assert "no such guest" in host.wirt("inspect", guest).err


def test_guest_that_could_not_be_started_later_is_removed_too(host: Instance) -> None:
    host.ok("create", "--rm", "--name", "x", "busybox", "no-such-program")
    assert host.wirt("start", "x").code != 0
    assert host.ok("ps", "-aq") == ""


def test_address_and_port_are_free(host: Instance, network: str) -> None:
    for _ in AGAIN:
        host.ok("run", "--rm", "--network", network, "--ip", "10.214.77.9", "-p", "18477:80", "busybox", "true")


def test_network_can_be_removed(host: Instance) -> None:
    for _ in AGAIN:
        host.ok("network", "create", "short")
        host.ok("run", "--rm", "--network", "short", "busybox", "true")
        host.ok("network", "rm", "short")


def test_volume_can_be_removed(host: Instance) -> None:
    for _ in AGAIN:
        host.ok("run", "--rm", "-v", "data:/data", "busybox", "true")
        host.ok("volume", "rm", "data")
        host.ok("run", "--rm", "-v", "data:/data", "busybox", "true")
        assert host.ok("volume", "prune", "-f", "-a").splitlines()[1] == "data"


def test_image_can_be_removed(host: Instance) -> None:
    host.ok("run", "--name", "base", "busybox", "true")
    for number in AGAIN:
        host.ok("commit", "-m", str(number), "base", "copy")
        host.ok("run", "--rm", "copy", "true")
        host.ok("image", "rm", "copy")
    host.ok("rm", "base")
