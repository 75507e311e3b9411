from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from wirt.client import frames

some_frames = st.lists(st.tuples(st.integers(0, 7), st.binary(max_size=40)), max_size=8)


@given(some_frames, st.lists(st.integers(1, 30), min_size=1))
def test_reader_gives_the_same_frames_however_they_are_split(sent: list[tuple[int, bytes]], sizes: list[int]) -> None:
    stream = b"".join(frames.encode_frame(kind, payload) for kind, payload in sent)
    reader = frames.FrameReader()
    received: list[tuple[int, bytes]] = []
    for size in itertools.cycle(sizes):
        if not stream:
            break
        piece, stream = stream[:size], stream[size:]
        received += [(kind, bytes(payload)) for kind, payload in reader.feed(memoryview(piece))]
    assert _joined(received) == _joined(sent)


def _joined(items: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Output may come in pieces: neighbours of one kind count as one; an empty piece of output says nothing."""
    joined: list[tuple[int, bytes]] = []
    for kind, payload in items:
        if kind in (frames.STDOUT, frames.STDERR):
            if joined and joined[-1][0] == kind:
                joined[-1] = (kind, joined[-1][1] + payload)
                continue
            if not payload:
                continue
        joined.append((kind, payload))
    return joined


def test_frames_are_laid_out_as_agreed() -> None:
    assert frames.encode_frame(frames.STDIN, b"ab") == b"\0\0\0\0\0\0\0\2ab"
    assert frames.encode_resize(24, 80) == b"\4\0\0\0\0\0\0\4\0\x18\0\x50"
    assert frames.exit_code(b"\xff\xff\xff\xff") == -1
