"""What the routers share: the engine, bodies, filters, streamed answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Annotated, Any, BinaryIO, TypeVar

import msgspec
from fastapi import Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import PlainValidator
from starlette.types import Receive, Scope, Send

from wirt.api.decode import decode, shape
from wirt.api.protocols import Engine
from wirt.api.transfer import download
from wirt.errors import WirtError
from wirt.model.wire import PathStat

__all__ = [
    "FRAMES",
    "NDJSON",
    "TAR",
    "EngineOf",
    "FilterList",
    "Stream",
    "endless",
    "json_body",
    "ndjson",
    "path_stat_header",
    "streamed",
    "tar_answer",
    "unless_gone",
]

T = TypeVar("T")

_log = logging.getLogger(__name__)

NDJSON = "application/x-ndjson"
TAR = "application/x-tar"
FRAMES = "application/vnd.wirt.frames"

FilterList = Annotated[tuple[str, ...], Query(alias="filter", description="name=value, may be repeated")]


async def _engine(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


EngineOf = Annotated[Engine, Depends(_engine)]


def json_body(into: type[T]) -> PlainValidator:
    """Validation by ``wirt.api.decode``, as for upgrades; pydantic's part is the schema in the documentation."""

    def validate(raw: Any) -> T:
        # Bytes: the caller sent JSON under another Content-Type, as ``curl -d`` does.
        return decode(raw, into) if isinstance(raw, bytes) else shape(raw, into)

    return PlainValidator(validate, json_schema_input_type=into)


def endless(request: Request) -> None:
    """Mark an answer that ends only with its client: a stopping server does not wait for it."""
    request.scope["wirt.endless"] = True


def streamed(kind: str) -> dict[int | str, dict[str, Any]]:
    """The documentation of a streamed answer."""
    return {200: {"content": {kind: {}}, "description": "a stream"}}


class Stream(StreamingResponse):
    """An answer that comes bit by bit. Its status has been sent, so an error can only cut it off, and be logged."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except WirtError as error:
            _log.warning("%s %s was cut off: %s", scope["method"], scope["path"], error)
            scope["wirt.cut"]()


def ndjson(items: AsyncGenerator[Any, None]) -> Stream:
    """One JSON value a line, sent as it comes."""

    async def lines() -> AsyncIterator[bytes]:
        async with contextlib.aclosing(items):
            async for item in items:
                yield msgspec.json.encode(item) + b"\n"

    return Stream(lines(), media_type=NDJSON)


async def tar_answer(
    produce: Callable[[BinaryIO], Awaitable[None]], headers: Mapping[str, str] | None = None
) -> Stream:
    """The archive that ``produce`` writes. An error before its first byte is raised, a later one cuts it off."""
    return Stream(await download(produce), media_type=TAR, headers=headers)


def path_stat_header(stat: PathStat) -> dict[str, str]:
    return {"Wirt-Path-Stat": json.dumps(asdict(stat), ensure_ascii=True)}


async def unless_gone(request: Request, work: Awaitable[T]) -> T | None:
    """What ``work`` gives; None, and ``work`` is cancelled, when the client leaves first."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else leaving.result()
    finally:
        leaving.cancel()
        working.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
