from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirt.api.transfer import download, upload
from wirt.errors import InvalidInput, NotFound


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        await asyncio.sleep(0)
        yield chunk


async def read_all(stream: BinaryIO) -> bytes:
    return await asyncio.to_thread(stream.read)


@pytest.mark.asyncio
async def test_upload_passes_a_large_body_on() -> None:
    chunk = os.urandom(1 << 20)
    before = open_descriptors()
    assert await upload(pieces(*[chunk] * 20), read_all) == chunk * 20
    await asyncio.sleep(0)
    assert open_descriptors() == before


@given(st.lists(st.binary(max_size=100), max_size=10))
@settings(max_examples=30, deadline=None)
def test_upload_keeps_every_byte_in_order(chunks: list[bytes]) -> None:
    assert asyncio.run(upload(pieces(*chunks), read_all)) == b"".join(chunks)


@pytest.mark.asyncio
async def test_upload_that_breaks_off_is_no_complete_body() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(InvalidInput, match="ended early"):
        await upload(broken(), read_all)


@pytest.mark.asyncio
async def test_upload_ends_when_its_reader_has_enough() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(1 << 16)
            await asyncio.sleep(0)

    async def first(stream: BinaryIO) -> bytes:
        return await asyncio.to_thread(stream.read, 3)

    assert await upload(endless(), first) == bytes(3)


@pytest.mark.asyncio
async def test_upload_raises_what_its_reader_raises_without_waiting_for_the_body() -> None:
    async def silent() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    async def refuse(_: BinaryIO) -> None:
        raise NotFound("no such guest")

    with pytest.raises(NotFound):
        await upload(silent(), refuse)


@pytest.mark.asyncio
async def test_upload_cancelled_makes_its_reader_fail_and_closes_all() -> None:
    before = open_descriptors()
    failed, started = asyncio.Event(), asyncio.Event()

    async def silent() -> AsyncIterator[bytes]:
        yield b"x"
        started.set()
        await asyncio.Event().wait()

    async def consume(stream: BinaryIO) -> None:
        try:
            await read_all(stream)
        except InvalidInput:
            failed.set()
            raise

    task = asyncio.create_task(upload(silent(), consume))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        await failed.wait()
        while open_descriptors() != before:
            await asyncio.sleep(0)


@pytest.mark.asyncio
async def test_download_gives_what_is_written() -> None:
    async def produce(out: BinaryIO) -> None:
        await asyncio.to_thread(out.write, b"a" * (3 << 20))

    before = open_descriptors()
    assert b"".join([chunk async for chunk in await download(produce)]) == b"a" * (3 << 20)
    assert open_descriptors() == before


@pytest.mark.asyncio
async def test_download_whose_writer_is_done_before_its_reader() -> None:
    def write(out: BinaryIO) -> None:
        for _ in range(1200):  # the pipe is full then, and the file's own buffer nearly
            out.write(bytes(1000))

    async def produce(out: BinaryIO) -> None:
        await asyncio.to_thread(write, out)

    async with asyncio.timeout(10):
        assert sum([len(chunk) async for chunk in await download(produce)]) == 1_200_000


@pytest.mark.asyncio
async def test_download_of_nothing_is_empty() -> None:
    async def produce(_: BinaryIO) -> None:
        return

    assert [chunk async for chunk in await download(produce)] == []


@pytest.mark.asyncio
async def test_download_raises_early_errors_at_once() -> None:
    async def produce(_: BinaryIO) -> None:
        raise NotFound("no such guest")

    with pytest.raises(NotFound):
        await download(produce)


@pytest.mark.asyncio
async def test_download_raises_late_errors_in_the_middle() -> None:
    async def produce(out: BinaryIO) -> None:
        await asyncio.to_thread(out.write, b"a" * (1 << 20))
        raise NotFound("gone")

    chunks = await download(produce)
    with pytest.raises(NotFound):
        async for _ in chunks:
            pass


@pytest.mark.asyncio
async def test_download_closed_stops_its_writer() -> None:
    stopped = threading.Event()

    def write(out: BinaryIO) -> None:
        try:
            while True:
                out.write(bytes(1 << 16))
        except BrokenPipeError:
            stopped.set()
            raise

    async def produce(out: BinaryIO) -> None:
        await asyncio.to_thread(write, out)

    chunks = await download(produce)
    await anext(chunks)
    await chunks.aclose()
    assert await asyncio.to_thread(stopped.wait, 5)


@pytest.mark.asyncio
async def test_download_holds_a_fast_writer_up() -> None:
    written = read = 0

    def write(out: BinaryIO) -> None:
        nonlocal written
        for _ in range(50):
            out.write(bytes(1 << 20))
            written += 1 << 20

    async def produce(out: BinaryIO) -> None:
        await asyncio.to_thread(write, out)

    async for chunk in await download(produce):
        assert written - read <= 3 << 20  # the pipe, a buffer, and what is being written
        read += len(chunk)
    assert read == written == 50 << 20
