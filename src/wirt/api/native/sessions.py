"""/v1/guests/{ref}: commands run in a guest, and what streams out of it: logs and samples."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request

from wirt.api.native.parts import FRAMES, NDJSON, EngineOf, Stream, endless, json_body, ndjson, streamed
from wirt.errors import InvalidInput
from wirt.model.host import Stats
from wirt.model.trace import TraceEntry, TraceOptions
from wirt.model.wire import AttachRequest, ExecRequest, Identity, LogQuery

__all__ = ["router"]

router = APIRouter(prefix="/guests", tags=["guests"])

Moment = Annotated[float, Query(ge=0, description="Unix seconds; 0 is no bound")]


@router.post("/{ref}/exec", status_code=201)
async def exec_in_guest(
    engine: EngineOf, ref: str, request: Annotated[ExecRequest, json_body(ExecRequest)]
) -> Identity:
    """Run a command in a running guest.

    With `Upgrade: wirt` the answer is 101 and the connection carries its standard streams as frames. Without, the
    command runs detached.
    """
    return Identity(await engine.guests.exec_detached(ref, request.spec))


@router.post("/{ref}/attach", status_code=101)
async def attach_to_guest(ref: str, _: Annotated[AttachRequest, json_body(AttachRequest)]) -> None:
    """Connect to a guest's standard streams: needs `Upgrade: wirt`; the connection then carries frames."""
    raise InvalidInput(f"attaching to {ref} needs a connection of its own", hint="send 'Upgrade: wirt'")


@router.get("/{ref}/logs", responses=streamed(FRAMES), response_class=Stream)
async def read_logs(
    engine: EngineOf,
    http: Request,
    ref: str,
    *,
    since: Moment = 0.0,
    until: Moment = 0.0,
    tail: Annotated[int | None, Query(ge=0, description="the last lines only")] = None,
    follow: bool = False,
    timestamps: bool = False,
    stdout: bool = True,
    stderr: bool = True,
) -> Stream:
    """What a guest wrote, as frames of type 1 (standard output) and 2 (standard error)."""
    if follow:
        endless(http)
    query = LogQuery(
        follow=follow, since=since, until=until, tail=tail, timestamps=timestamps, stdout=stdout, stderr=stderr
    )
    return Stream(await engine.guests.logs(ref, query), media_type=FRAMES)


@router.get("/{ref}/trace", responses=streamed(NDJSON), response_class=Stream)
async def trace_guest(
    engine: EngineOf,
    http: Request,
    ref: str,
    calls: Annotated[
        tuple[str, ...], Query(alias="call", description="calls, or sets of them; all where missing")
    ] = (),
    *,
    steps: Annotated[bool, Query(description="with what the monitor asked of the host for each call")] = False,
    arguments: Annotated[bool, Query(description="with what the calls were given and gave back")] = True,
    start: Annotated[bool, Query(description="wait until the guest is started, and begin with its first step")] = False,
) -> Stream:
    """What a micro guest's processes do, an entry a line, until it ends: each call, signal and fault."""
    endless(http)
    batches = await engine.traces.trace(ref, TraceOptions(calls, steps, arguments, start))
    return Stream(_lines(batches), media_type=NDJSON)


@router.get("/stats", responses=streamed(NDJSON), response_class=Stream)
async def sample_guests(
    engine: EngineOf,
    http: Request,
    refs: Annotated[tuple[str, ...], Query(alias="ref")] = (),
    *,
    stream: bool = True,
) -> Stream:
    """What guests use: a line a second with a list of samples; all that run where none is named."""
    if stream:
        endless(http)
    return ndjson(await engine.guests.stats(refs, stream=stream))


@router.get("/{ref}/stats", responses=streamed(NDJSON), response_class=Stream)
async def sample_guest(engine: EngineOf, http: Request, ref: str, *, stream: bool = True) -> Stream:
    """What one guest uses: a line a second with a sample."""
    if stream:
        endless(http)
    return ndjson(_single(await engine.guests.stats([ref], stream=stream)))


async def _lines(batches: AsyncGenerator[Sequence[TraceEntry], None]) -> AsyncGenerator[bytes, None]:
    """Many at a time, as there may be thousands a second."""
    async with contextlib.aclosing(batches):
        async for batch in batches:
            yield b"".join(msgspec.json.encode(entry) + b"\n" for entry in batch)


async def _single(samples: AsyncGenerator[Sequence[Stats], None]) -> AsyncGenerator[Stats, None]:
    try:
        async for each in samples:
            for sample in each:
                yield sample
    finally:
        await samples.aclose()
