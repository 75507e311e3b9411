"""Stages of a stream: what is read is what was written, errors cross threads, and every thread ends."""

from __future__ import annotations

import errno
import io
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.archives import PACKERS, digest_of
from wirt.errors import CorruptData
from wirt.image.streams import Compression, ReadAhead, Sha256, Tap, WriteBehind, decompressed


def drained(stream: object, size: int = 1000) -> bytes:
    out = b""
    while piece := stream.read(size):  # type: ignore[attr-defined]
        assert len(piece) <= size
        out += piece
    assert stream.read(size) == b""  # type: ignore[attr-defined]
    return out


@pytest.mark.parametrize("name", PACKERS)
@settings(max_examples=20, deadline=None)
@given(parts=st.lists(st.binary(min_size=1, max_size=3000), min_size=1, max_size=4), size=st.integers(1, 5000))
def test_decompressed_reads_every_member_of_a_stream(name: str, parts: list[bytes], size: int) -> None:
    packed = b"".join(PACKERS[name](part) for part in parts)
    if name == "plain" and Compression.of(packed[:6]) is not Compression.NONE:
        return
    stream, compression = decompressed(io.BytesIO(packed))
    assert compression.value == {"plain": "tar"}.get(name, name)
    assert drained(stream, size) == b"".join(parts)


@pytest.mark.parametrize("name", ["gzip", "xz", "bzip2"])
def test_decompressed_notices_an_early_end(name: str) -> None:
    stream, _ = decompressed(io.BytesIO(PACKERS[name](b"x" * 100_000)[:-20]))
    with pytest.raises(CorruptData, match=f"the {name} data is damaged"):
        drained(stream)


def test_decompressed_passes_the_streams_own_errors_on() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 50:
                raise OSError(errno.EIO, "broken")
            return super().read(min(size or 0, 40))

    stream, _ = decompressed(Broken(PACKERS["gzip"](bytes(range(256)) * 40)))
    with pytest.raises(OSError, match="broken"):
        drained(stream)


@given(parts=st.lists(st.binary(max_size=900_000), max_size=6))
@settings(max_examples=10, deadline=None)
def test_sha256_is_right_whether_in_a_thread_or_not(parts: list[bytes]) -> None:
    digest = Sha256()
    for part in parts:
        digest.update(part)
    assert digest.digest() == digest_of(b"".join(parts))
    assert digest.size == sum(map(len, parts))
    assert "write-behind" not in {thread.name for thread in threading.enumerate()}


def test_read_ahead_gives_the_stream_and_taps_see_it_all() -> None:
    data = bytes(range(256)) * 20_000
    seen: list[bytes] = []
    with ReadAhead(io.BytesIO(data)) as ahead:
        tap = Tap(ahead, seen.append)
        assert tap.read(10) == data[:10]
        tap.drain()
    assert b"".join(seen) == data


def test_read_ahead_ends_its_thread_when_nobody_reads() -> None:
    before = threading.active_count()
    ahead = ReadAhead(io.BytesIO(bytes(50_000_000)))
    ahead.read(1)
    ahead.close()
    assert threading.active_count() == before


def test_read_ahead_raises_what_went_wrong() -> None:
    class Broken:
        def read(self, _size: int, /) -> bytes:
            raise CorruptData("broken")

    with ReadAhead(Broken()) as ahead, pytest.raises(CorruptData, match="broken"):
        ahead.read(1)


def test_write_behind_raises_what_went_wrong_and_takes_no_harm() -> None:
    def fail(_data: bytes | memoryview) -> None:
        raise OSError(errno.ENOSPC, "full")

    before = threading.active_count()
    behind = WriteBehind(fail)
    with pytest.raises(OSError, match="full"):
        for _ in range(100):
            behind.write(b"x")
    with pytest.raises(OSError, match="full"):
        behind.close()
    assert threading.active_count() == before
