from __future__ import annotations

import threading

import pytest

from wirt.errors import Conflict
from wirt.model.network import NetworkSpec
from wirt.network.addresses import plan_subnet
from wirt.network.leases import Leases

PLAN = plan_subnet(NetworkSpec("x", subnet="10.0.0.0/24"))
assert PLAN is not None


def test_threads_get_different_addresses_until_none_is_left() -> None:
    leases = Leases()
    got: list[str] = []

    def take() -> None:
        for _ in range(60):
            got.append(leases.take("n", PLAN, {"10.0.0.200"}))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(got)) == 240
    assert not {"10.0.0.0", "10.0.0.1", "10.0.0.200", "10.0.0.255"} & set(got)


def test_address_given_back_may_be_asked_for_again() -> None:
    leases = Leases()
    leases.take("n", PLAN, (), "10.0.0.9")
    with pytest.raises(Conflict):
        leases.take("n", PLAN, (), "10.0.0.9")
    assert leases.take("other", PLAN, (), "10.0.0.9") == "10.0.0.9"
    leases.give_back("n", "10.0.0.9")
    leases.give_back("n", "10.0.0.9")
    assert leases.take("n", PLAN, (), "10.0.0.9") == "10.0.0.9"
    leases.forget("n")
    assert leases.take("n", PLAN, ()) == "10.0.0.2"
