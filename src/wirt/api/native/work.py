"""Long work as a stream of lines: its progress, then what it made."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import msgspec
from starlette.types import Receive

from wirt.api.errors import problem_of
from wirt.api.native.parts import NDJSON, Stream
from wirt.api.protocols import OnProgress
from wirt.api.transfer import keep
from wirt.errors import WirtError
from wirt.model.image import Progress
from wirt.model.wire import Loaded

__all__ = ["work_answer"]

_log = logging.getLogger(__name__)


class _Report:
    """Progress from worker threads, for one reader on the loop: the last state of each task, never a backlog."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._latest: dict[str, Progress] = {}
        self.changed = asyncio.Event()

    def __call__(self, progress: Progress) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and the daemon with it
            self._loop.call_soon_threadsafe(self._note, progress)

    def _note(self, progress: Progress) -> None:
        self._latest[progress.task] = progress
        self.changed.set()

    def take(self) -> list[Progress]:
        self.changed.clear()
        news = list(self._latest.values())
        self._latest.clear()
        return news


class _WhileUploading(Stream):
    """An answer that may begin before its request's body has ended: only the body's reader receives until then."""

    def __init__(self, lines: AsyncIterator[bytes], received: asyncio.Event) -> None:
        super().__init__(lines, media_type=NDJSON)
        self._received = received

    async def listen_for_disconnect(self, receive: Receive) -> None:
        await self._received.wait()  # a client that leaves before that makes the upload fail, and the work with it
        await super().listen_for_disconnect(receive)


async def work_answer(
    start: Callable[[OnProgress], Awaitable[Sequence[Loaded]]], *, received: asyncio.Event | None = None
) -> Stream:
    """Long work as ndjson: its progress, then the images it made, or the error that ended it.

    Nothing is sent before there is progress to tell, and an error up to then is raised. ``received`` is set when the
    request's body has been read. The work goes on when its client leaves: half an image is of use to nobody.
    """
    report = _Report()
    work = keep(start(report))
    await _either(work, report.changed)
    if work.done():
        work.result()
    lines = _work_lines(work, report)
    return Stream(lines, media_type=NDJSON) if received is None else _WhileUploading(lines, received)


async def _work_lines(work: asyncio.Task[Sequence[Loaded]], report: _Report) -> AsyncIterator[bytes]:
    done = False
    while not done:
        await _either(work, report.changed)
        done = work.done()  # asked first: what was reported before the end is then among the news
        for progress in report.take():
            yield _line(progress=progress)
    try:
        for image in work.result():
            yield _line(image=image.id, names=image.names)
    except Exception as error:  # the status has been sent: the last line says it
        if not isinstance(error, WirtError):
            _log.exception("long work failed")
        yield _line(error=problem_of(error))


async def _either(work: asyncio.Task[Any], event: asyncio.Event) -> None:
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait((work, waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


def _line(**values: Any) -> bytes:
    return msgspec.json.encode(values) + b"\n"
