from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt.errors import Conflict, InvalidInput, Unavailable
from wirt.model.network import NetworkSpec
from wirt.network.addresses import (
    DEFAULT_POOLS,
    Plan,
    check_mac,
    check_name,
    choose_address,
    choose_subnet,
    mac_for,
    overlapping,
    plan_subnet,
)

BASE = int(ipaddress.IPv4Address("10.0.0.0"))
subnets = st.builds(
    lambda address, length: ipaddress.IPv4Network((address, length), strict=False),
    st.integers(BASE, BASE + 0xFFFF),
    st.integers(14, 30),
)


def plan(subnet: str, gateway: str = "", ip_range: str = "") -> Plan:
    made = plan_subnet(NetworkSpec("x", subnet=subnet, gateway=gateway, ip_range=ip_range))
    assert made is not None
    return made


@given(st.sets(subnets, max_size=12), st.integers(18, 29))
def test_chosen_subnet_is_the_first_that_touches_nothing(taken: set[ipaddress.IPv4Network], length: int) -> None:
    pool = ipaddress.IPv4Network("10.0.0.0/18")
    free = [subnet for subnet in pool.subnets(new_prefix=length) if not overlapping(subnet, taken)]
    if free:
        assert choose_subnet([str(pool)], taken, length) == free[0]
    else:
        with pytest.raises(Unavailable):
            choose_subnet([str(pool)], taken, length)


def test_subnet_comes_from_the_next_pool_when_one_is_covered() -> None:
    taken = [ipaddress.IPv4Network("10.213.0.0/16")]
    assert str(choose_subnet(DEFAULT_POOLS, taken, 24)) == "10.214.0.0/24"
    with pytest.raises(Unavailable):
        choose_subnet(DEFAULT_POOLS, [ipaddress.IPv4Network("10.0.0.0/8")], 24)
    with pytest.raises(Unavailable):
        choose_subnet(["10.0.0.0/28"], [], 24)


@given(st.lists(st.integers(0, 20), max_size=40))
def test_addresses_are_never_given_twice_nor_outside(releases: list[int]) -> None:
    network = plan("10.0.0.0/28", gateway="10.0.0.5")
    taken: list[int] = []
    last = 0
    for release in releases:
        try:
            last = choose_address(network, taken, last)
        except Conflict:
            assert len(taken) == 13  # sixteen without network, broadcast and gateway
        else:
            assert last not in taken
            assert ipaddress.IPv4Address(last) in network.subnet
            assert str(ipaddress.IPv4Address(last)) not in ("10.0.0.0", "10.0.0.5", "10.0.0.15")
            taken.append(last)
        if release < len(taken):
            taken.pop(release)


def test_address_just_given_back_is_the_last_to_be_given_again() -> None:
    network = plan("10.0.0.0/29")
    order = []
    last = 0
    for _ in range(6):
        last = choose_address(network, (), last)
        order.append(last & 7)
    assert order == [2, 3, 4, 5, 6, 2]


def test_addresses_come_from_the_range() -> None:
    network = plan("10.0.0.0/16", ip_range="10.0.7.0/30")
    first = choose_address(network, ())
    assert ipaddress.IPv4Address(first) == ipaddress.IPv4Address("10.0.7.0")
    with pytest.raises(Conflict, match=r"no address is free in 10\.0\.7\.0/30"):
        choose_address(network, range(first, first + 4))
    assert choose_address(network, (), asked="10.0.9.9") == int(ipaddress.IPv4Address("10.0.9.9"))


@pytest.mark.parametrize("asked", ["10.0.0.0", "10.0.0.1", "10.0.0.255", "10.0.1.1", "fd00::1", "me"])
def test_address_that_is_no_guests_is_refused(asked: str) -> None:
    with pytest.raises(InvalidInput):
        choose_address(plan("10.0.0.0/24"), (), asked=asked)


def test_address_in_use_is_a_conflict() -> None:
    with pytest.raises(Conflict, match=r"10\.0\.0\.9 is in use"):
        choose_address(plan("10.0.0.0/24"), [int(ipaddress.IPv4Address("10.0.0.9"))], asked="10.0.0.9")


def test_gateway_is_the_first_address_unless_given() -> None:
    assert str(plan("10.0.0.0/24").gateway) == "10.0.0.1"
    assert str(plan("10.0.0.0/24", gateway="10.0.0.254").gateway) == "10.0.0.254"
    assert plan_subnet(NetworkSpec("x")) is None


@pytest.mark.parametrize(
    ("subnet", "gateway", "ip_range"),
    [
        ("10.0.0.1/24", "", ""),
        ("10.0.0.0/30", "", ""),
        ("10.0.0.0/33", "", ""),
        ("127.0.0.0/24", "", ""),
        ("224.0.0.0/24", "", ""),
        ("0.0.0.0/0", "", ""),
        ("fd00::/64", "", ""),
        ("10.0.0.0/24", "10.0.1.1", ""),
        ("10.0.0.0/24", "10.0.0.255", ""),
        ("10.0.0.0/24", "x", ""),
        ("10.0.0.0/24", "", "10.0.1.0/28"),
        ("", "10.0.0.1", ""),
        ("", "", "10.0.0.0/28"),
    ],
)
def test_subnet_that_makes_no_sense_is_refused(subnet: str, gateway: str, ip_range: str) -> None:
    with pytest.raises(InvalidInput):
        plan_subnet(NetworkSpec("x", subnet=subnet, gateway=gateway, ip_range=ip_range))


def test_names_of_networks() -> None:
    for name in ("a", "my-net_1.x", "0"):
        check_name(name)
    for name in ("", "-a", "a/b", "a b", "host", "none", "bridge", "x" * 129, "a\n"):
        with pytest.raises(InvalidInput):
            check_name(name)


def test_macs_are_made_of_addresses_and_checked() -> None:
    assert check_mac(mac_for("10.213.0.2")) == "0a:57:0a:d5:00:02"
    assert check_mac("0A-57-00-00-00-01") == "0a:57:00:00:00:01"
    for mac in ("01:00:5e:00:00:01", "00:00:00:00:00:00", "0a:57:00", "zz:57:00:00:00:01"):
        with pytest.raises(InvalidInput):
            check_mac(mac)
