from __future__ import annotations

import errno
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt.abi.linux import netlink as abi
from wirt.abi.linux import nfnetlink, rtnetlink
from wirt.host import links
from wirt.host.netlink import attribute, attributes, nested, text, u32
from wirt.host.sockets import port_holder
from wirt.host.sysctl import read_sysctl


@given(st.dictionaries(st.integers(1, 0x3FFF), st.binary(max_size=40)))
def test_attributes_are_read_back(values: dict[int, bytes]) -> None:
    data = b"".join(attribute(kind, value) for kind, value in values.items())
    assert len(data) % 4 == 0
    assert attributes(data) == values


@given(st.binary(max_size=64))
def test_attributes_of_any_bytes_come_to_an_end(data: bytes) -> None:
    attributes(data)


def test_nested_attributes_carry_their_flag_and_lose_it() -> None:
    data = nested(3, text(1, "eth0"), u32(2, 7))
    assert data[3] & 0x80
    assert attributes(attributes(data)[3]) == {1: b"eth0\0", 2: (7).to_bytes(4, "little")}


@pytest.mark.parametrize(
    ("layout", "size"),
    [
        (abi.nlmsghdr, 16),
        (abi.nlattr, 4),
        (rtnetlink.ifinfomsg, 16),
        (rtnetlink.ifaddrmsg, 8),
        (rtnetlink.rtmsg, 12),
        (nfnetlink.nfgenmsg, 4),
    ],
)
def test_layouts_have_the_kernels_sizes(layout: object, size: int) -> None:
    assert getattr(layout, "size", None) == size


def test_failed_request_names_its_call() -> None:
    with links.open_route() as netlink, pytest.raises(OSError, match="RTM_DELLINK wirt-nowhere") as caught:
        netlink.request(links.delete_link("wirt-nowhere"))
    assert caught.value.errno in (errno.ENODEV, errno.EPERM)


def test_first_failure_of_a_batch_is_raised_and_the_socket_stays_usable() -> None:
    with links.open_route() as netlink:
        with pytest.raises(OSError, match="wirt-one"):
            netlink.request(links.delete_link("wirt-one"), links.delete_link("wirt-two"))
        with pytest.raises(OSError, match="wirt-three"):
            netlink.request(links.delete_link("wirt-three"))


def test_links_are_found_by_index() -> None:
    assert links.index_of("lo") == 1
    assert links.index_of("wirt-nowhere") == 0


def test_holder_of_a_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        own_name = Path("/proc/self/comm").read_text().strip()
        assert port_holder("tcp", port).startswith(f"{own_name} (pid ")
        assert port_holder("udp", port) == ""


def test_sysctl_is_read() -> None:
    assert read_sysctl("net/ipv4/ip_forward") in ("0", "1")
