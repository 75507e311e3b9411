"""/v1/events: what happens on this host."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request

from wirt.api.filters import parse_filters
from wirt.api.native.parts import NDJSON, EngineOf, FilterList, Stream, endless, ndjson, streamed
from wirt.model.host import Event

__all__ = ["router"]

router = APIRouter(tags=["host"])

Moment = Annotated[float, Query(ge=0, description="Unix seconds")]


@router.get("/events", responses=streamed(NDJSON), response_class=Stream)
async def watch_events(
    engine: EngineOf,
    http: Request,
    since: Moment = 0.0,
    until: Moment | None = None,
    given: FilterList = (),
    *,
    follow: Annotated[bool, Query(description="go on with what happens from now on")] = True,
) -> Stream:
    """Events, one a line: those kept since `since`, then those to come until `until`. One that is past ends at once."""
    filters = parse_filters(given)
    if not follow:
        return ndjson(_each(await engine.events.history(since, time.time() if until is None else until, filters)))
    endless(http)
    # Subscribed before the past is read, and before the answer begins: nothing falls in between.
    subscribed = time.time()
    live = engine.events.subscribe(filters)
    end = subscribed if until is None else min(until, subscribed)
    past = await engine.events.history(since, end, filters) if since or end == until else ()
    return ndjson(_past_and_future(past, live, subscribed, until))


async def _each(events: Sequence[Event]) -> AsyncGenerator[Event, None]:
    for event in events:
        yield event


async def _past_and_future(
    past: Sequence[Event], live: AsyncGenerator[Event, None], subscribed: float, until: float | None
) -> AsyncGenerator[Event, None]:
    both = {_identity(event) for event in past if event.time >= subscribed}
    left = None if until is None else until - time.time()
    async with contextlib.aclosing(live):
        for event in past:
            yield event
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                async for event in live:
                    if _identity(event) not in both:
                        yield event


def _identity(event: Event) -> tuple[float, str, str, str]:
    return event.time, event.type, event.action, event.id
