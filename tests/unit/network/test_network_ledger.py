from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt.errors import CorruptData
from wirt.network.ledger import Claim, Holdings, Ledger, Segment

SEGMENT = Segment("n" * 64, "wirt0", "10.0.0.0/24", "10.0.0.1")

claims = st.builds(
    Claim,
    guest_id=st.sampled_from(["a", "b"]),
    network_id=st.just("n"),
    protocol=st.sampled_from(["tcp", "udp"]),
    host_ip=st.sampled_from(["0.0.0.0", "127.0.0.1", "192.0.2.1"]),
    host_port=st.sampled_from([80, 81]),
    guest_ip=st.just("10.0.0.2"),
    guest_port=st.just(8080),
)


def claim(host_ip: str, network_id: str = SEGMENT.network_id) -> Claim:
    return Claim("g" * 64, network_id, "tcp", host_ip, 80, "10.0.0.2", 8080)


def test_holdings_survive_and_are_seen_by_others(tmp_path: Path) -> None:
    mine, theirs = Ledger("", tmp_path), Ledger("ab12cd", tmp_path)
    holdings = Holdings((SEGMENT,), (claim("0.0.0.0"),))
    with mine.locked():
        assert mine.read() == Holdings()
        mine.write(holdings)
    assert Ledger("", tmp_path).read() == holdings
    assert mine.others() == {}
    assert theirs.others() == {"default": holdings}
    with mine.locked():
        mine.close_page()
    assert theirs.others() == {}


def test_lock_excludes_threads_of_one_daemon(tmp_path: Path) -> None:
    ledger = Ledger("", tmp_path)
    inside = 0
    worst = 0

    def enter() -> None:
        nonlocal inside, worst
        for _ in range(50):
            with ledger.locked():
                inside += 1
                worst = max(worst, inside)
                inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worst == 1


def test_damaged_page_says_which_file(tmp_path: Path) -> None:
    ledger = Ledger("", tmp_path)
    with ledger.locked():
        (ledger.folder / "holdings.json").write_text("{")
    with pytest.raises(CorruptData, match=r"holdings\.json"):
        ledger.read()


@given(claims, claims)
def test_claims_collide_when_one_packet_would_match_both(one: Claim, two: Claim) -> None:
    addresses = {"127.0.0.1", "192.0.2.1", "198.51.100.7"}

    def packets(c: Claim) -> set[tuple[str, str, int]]:
        return {(c.protocol, ip, c.host_port) for ip in (addresses if c.host_ip == "0.0.0.0" else {c.host_ip})}

    assert one.collides(two) == two.collides(one) == bool(packets(one) & packets(two))


def test_loopback_is_used_by_ports_published_there_or_everywhere() -> None:
    for host_ip, uses in (("127.0.0.1", True), ("127.0.0.9", True), ("0.0.0.0", True), ("192.0.2.1", False)):
        holdings = Holdings((SEGMENT,), (claim(host_ip),))
        assert holdings.uses_loopback(SEGMENT.network_id) is uses
        assert not holdings.uses_loopback("another")


def test_network_takes_its_claims_with_it() -> None:
    other = Segment("m" * 64, "wirt1", "10.0.1.0/24", "10.0.1.1")
    holdings = Holdings((SEGMENT, other), (claim("0.0.0.0"), claim("0.0.0.0", other.network_id)))
    left = holdings.without_network(SEGMENT.network_id)
    assert left == Holdings((other,), (claim("0.0.0.0", other.network_id),))
    assert left.with_segment(other) == left
    assert left.segment(SEGMENT.network_id) is None


def test_fence_is_none_until_written(tmp_path: Path) -> None:
    ledger = Ledger("", tmp_path)
    assert ledger.read_fence() is None
    ledger.write_fence(())
    assert Ledger("ab12cd", tmp_path).read_fence() == ()
    ledger.drop_fence()
    assert ledger.read_fence() is None
