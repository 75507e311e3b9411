"""What comes out of a guest's trace, which a guest may have written itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable

import pytest

from wirt.engine.tracing import entries
from wirt.model.trace import TraceEntry, TraceKind

GOOD = {"kind": "call", "time": 1.5, "pid": 1, "tid": 2, "name": "read", "result": 3}


def received(*packets: bytes) -> list[TraceEntry]:
    """What is left of ``packets``."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    for packet in packets:
        theirs.send(packet)
    theirs.close()
    kept = contextlib.ExitStack()
    kept.enter_context(ours)

    async def collect() -> list[TraceEntry]:
        return [entry async for batch in entries(ours, kept) for entry in batch]

    found = asyncio.run(collect())
    assert ours.fileno() == -1
    return found


def packet(**more: object) -> bytes:
    return json.dumps({**GOOD, **more}).encode()


def test_entries_are_read_to_the_end() -> None:
    assert received(packet(), packet(kind="end")) == [
        TraceEntry(TraceKind.CALL, 1.5, 1, 2, name="read", result=3),
        TraceEntry(TraceKind.END, 1.5, 1, 2, name="read", result=3),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        b"nonsense",
        b"[" * 10_000,
        b"\xff\xfe",
        packet(kind="strange"),
        packet(pid="1"),
        packet(time=None),
        packet(steps=[{"name": 1}]),
        packet(lost=-1.5),
        packet(program=["x"]),
        b'{"kind": "call", "time": NaN, "pid": 1, "tid": 1}',
    ],
)
def test_what_is_no_entry_is_dropped_and_counted(bad: bytes) -> None:
    [entry] = received(bad, bad, packet(lost=3))
    assert entry.lost == 5


def test_packet_that_is_too_long_is_none() -> None:
    assert received(packet(arguments="x" * 70_000), packet()) == [
        TraceEntry(TraceKind.CALL, 1.5, 1, 2, name="read", result=3, lost=1)
    ]


def test_what_undoes_it_is_undone_however_it_ends() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    done: list[Callable[[], object] | bool] = []
    kept = contextlib.ExitStack()
    kept.enter_context(ours)
    kept.callback(done.append, True)

    async def leave() -> None:
        stream = entries(ours, kept)
        await anext(stream)
        await stream.aclose()

    with theirs:
        asyncio.run(leave())
    assert done == [True]
