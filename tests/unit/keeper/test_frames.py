"""Frames survive any split, and nothing else passes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt.keeper.frames import MAX_PAYLOAD, FrameError, FrameReader, FrameType, encode, encode_exit

frames = st.lists(st.tuples(st.sampled_from(FrameType), st.binary(max_size=300)), max_size=20)


@given(frames, st.lists(st.integers(1, 50), min_size=1))
def test_reader_returns_what_was_encoded_however_it_was_split(
    sent: list[tuple[FrameType, bytes]], sizes: list[int]
) -> None:
    stream = b"".join(encode(kind, payload) for kind, payload in sent)
    reader, received, turn = FrameReader(), [], 0
    while stream:
        size = sizes[turn % len(sizes)]
        received += reader.feed(stream[:size])
        stream, turn = stream[size:], turn + 1
    assert received == sent


@pytest.mark.parametrize("code", [0, 1, 137, 255, -1])
def test_exit_carries_the_code(code: int) -> None:
    [(kind, payload)] = FrameReader().feed(encode_exit(code))
    assert kind is FrameType.EXIT
    assert struct.unpack(">i", payload) == (code,)


def test_reader_refuses_an_unknown_type() -> None:
    with pytest.raises(FrameError, match="type 99"):
        FrameReader().feed(struct.pack(">BxxxI", 99, 0))


def test_reader_refuses_a_frame_that_would_fill_the_memory() -> None:
    with pytest.raises(FrameError):
        FrameReader().feed(struct.pack(">BxxxI", 0, MAX_PAYLOAD + 1))
