"""Bodies that are streams: between the event loop and code that reads or writes a plain file in a thread.

One end of a pipe(2) is the engine's file, the other belongs to the loop. The pipe's capacity is the only buffer: a slow
side holds the fast one up, and a body never lies in memory whole.

The engine's side is never cancelled, as its thread could not be: it is told by its next read or write instead, which
fails. Its file is closed only when it has returned.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import io
import os
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from typing import Any, BinaryIO, TypeVar, cast

from wirt.errors import InvalidInput

__all__ = ["BodyReader", "download", "keep", "upload"]

T = TypeVar("T")

_CAPACITY = 1 << 20  # bytes; the most an unprivileged process may ask for (pipe(7)), fewer switches than 64 KiB
_CHUNK = 256 << 10

# The loop itself holds tasks weakly.
_kept: set[asyncio.Task[Any]] = set()


def keep(work: Awaitable[T]) -> asyncio.Task[T]:
    """``work`` as a task that goes on when nobody waits for it any more."""

    async def run() -> T:
        return await work

    task = asyncio.create_task(run())
    _kept.add(task)
    task.add_done_callback(_forget)
    return task


def _forget(task: asyncio.Task[Any]) -> None:
    _kept.discard(task)
    if not task.cancelled():
        task.exception()  # seen: whoever still waits gets it as well


class BodyReader(io.RawIOBase):
    """The reading end of an upload. A body that ended early raises; it must never look like a complete one."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd
        self.broken = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = os.readv(self._fd, [buffer])
        if count == 0 and self.broken:
            raise InvalidInput("the upload ended early", hint="send it again, whole")
        return count

    def close(self) -> None:
        if not self.closed:
            os.close(self._fd)
        super().close()


async def upload(chunks: AsyncIterable[bytes], consume: Callable[[BinaryIO], Awaitable[T]]) -> T:
    """What ``consume`` makes of the body. It may end before the body does; the rest is then left unread."""
    read_fd, write_fd = _pipe()
    os.set_blocking(write_fd, False)
    reader = BodyReader(read_fd)
    consuming = keep(_consume(consume, reader))
    feeding = keep(_feed(write_fd, chunks, reader))
    feeding.add_done_callback(lambda _: os.close(write_fd))
    try:
        await asyncio.wait((consuming, feeding), return_when=asyncio.FIRST_COMPLETED)
        if consuming.done():
            feeding.cancel()
        return await asyncio.shield(consuming)
    finally:
        feeding.cancel()


async def _consume(consume: Callable[[BinaryIO], Awaitable[T]], reader: BodyReader) -> T:
    with io.BufferedReader(reader, _CHUNK) as stream:
        return await consume(cast(BinaryIO, stream))


async def _feed(fd: int, chunks: AsyncIterable[bytes], reader: BodyReader) -> None:
    """Write the body into the pipe. Whatever stops this early makes the reader fail rather than see an end."""
    reader.broken = True
    try:
        async for chunk in chunks:
            await _write(fd, chunk)
        reader.broken = False
    except BrokenPipeError:
        pass  # the consumer has had enough


async def _write(fd: int, chunk: bytes) -> None:
    loop = asyncio.get_running_loop()
    rest = memoryview(chunk)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:
            await _ready(fd, loop.add_writer, loop.remove_writer)


async def download(produce: Callable[[BinaryIO], Awaitable[None]]) -> AsyncGenerator[bytes, None]:
    """The bytes that ``produce`` writes into its file.

    Awaiting this raises what goes wrong before the first byte; what goes wrong later is raised by the generator.
    Closing the generator makes the producer's next write fail with ``BrokenPipeError``.
    """
    read_fd, write_fd = _pipe()
    os.set_blocking(read_fd, False)
    chunks = _drain(read_fd, keep(_produce(produce, write_fd)))
    return _chain(await anext(chunks, b""), chunks)


async def _produce(produce: Callable[[BinaryIO], Awaitable[None]], fd: int) -> None:
    out = open(fd, "wb", buffering=_CHUNK)  # noqa: SIM115 - closing it writes, and may block: not on the loop
    try:
        await produce(out)
    finally:
        await asyncio.to_thread(out.close)


async def _drain(fd: int, producing: asyncio.Task[None]) -> AsyncGenerator[bytes, None]:
    loop = asyncio.get_running_loop()
    try:
        while True:
            try:
                chunk = os.read(fd, _CHUNK)
            except BlockingIOError:
                await _ready(fd, loop.add_reader, loop.remove_reader)
                continue
            if not chunk:
                break
            yield chunk
            await asyncio.sleep(0)  # where neither side ever waits, others on the loop would
        await asyncio.shield(producing)
    finally:
        os.close(fd)


async def _chain(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    try:
        if first:
            yield first
        async for chunk in rest:
            yield chunk
    finally:
        await rest.aclose()


def _pipe() -> tuple[int, int]:
    """Reading and writing end, both close-on-exec, with room for a megabyte where the host's limits allow it."""
    read_fd, write_fd = os.pipe()
    with contextlib.suppress(PermissionError):  # pipe-user-pages-soft is used up: 64 KiB or less do as well
        fcntl.fcntl(write_fd, fcntl.F_SETPIPE_SZ, _CAPACITY)
    return read_fd, write_fd


async def _ready(fd: int, watch: Callable[..., None], unwatch: Callable[[int], object]) -> None:
    """Wait until the loop's selector has something to say about ``fd``."""
    event = asyncio.Event()
    watch(fd, event.set)
    try:
        await event.wait()
    finally:
        unwatch(fd)
