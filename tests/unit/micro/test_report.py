"""What a monitor tells its keeper, packet by packet."""

from __future__ import annotations

import socket

import pytest

from wirt.micro import report


def test_end_is_told_on_the_same_channel_as_the_start() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        child = report.Report(theirs.detach())
        child.started()
        child.ended(42)
        assert report.receive(ours)[0] == report.STARTED
        kind, text, _ = report.receive(ours)
        assert (kind, report.ended_with(text)) == (report.ENDED, 42)
        child.close()
        assert report.receive(ours) == (b"", b"", -1)


def test_end_is_no_error_without_a_keeper() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.close()
    child = report.Report(theirs.detach())
    child.ended(0)
    child.close()


@pytest.mark.parametrize("text", [b"", b"-1", b"256", b"1e2", b"\xb2", b"0" * 4, b"1 "])
def test_what_no_process_can_end_with_is_none(text: bytes) -> None:
    assert report.ended_with(text) == -1
