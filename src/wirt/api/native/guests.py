"""/v1/guests: their life, their state and their limits."""

from __future__ import annotations

import dataclasses
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from wirt.api.filters import parse_filters
from wirt.api.native.parts import EngineOf, FilterList, json_body, unless_gone
from wirt.model.guest import GuestSpec, GuestSummary, GuestView, Resources
from wirt.model.host import Change, TopView
from wirt.model.snapshot import ForkRequest
from wirt.model.wire import (
    CommitOptions,
    Created,
    ExitStatus,
    GuestUpdate,
    Identity,
    Pruned,
    RunRequest,
    Updated,
    WaitCondition,
)

__all__ = ["router"]

router = APIRouter(prefix="/guests", tags=["guests"])

Seconds = Annotated[float | None, Query(ge=0, description="seconds before SIGKILL; the guest's own where missing")]


@router.get("")
async def list_guests(
    engine: EngineOf,
    given: FilterList = (),
    *,
    show_all: Annotated[bool, Query(alias="all", description="those that do not run as well")] = False,
    last: Annotated[int, Query(ge=0, description="only the newest, whatever their state; 0 is no bound")] = 0,
    size: Annotated[bool, Query(description="measure what each wrote")] = False,
) -> list[GuestSummary]:
    """The guests, newest first."""
    filters = parse_filters(given)
    return list(await engine.guests.list(show_all=show_all, filters=filters, last=last, size=size))


@router.post("", status_code=201)
async def create_guest(engine: EngineOf, spec: Annotated[GuestSpec, json_body(GuestSpec)]) -> Created:
    """Make a guest without starting it."""
    return await engine.guests.create(spec)


@router.post("/run", status_code=201)
async def run_guest(engine: EngineOf, request: Annotated[RunRequest, json_body(RunRequest)]) -> Created:
    """Make a guest and start it.

    With `Upgrade: wirt` the answer is 101 with the guest's id in `Wirt-Guest`, and the connection carries its standard
    streams as frames. Without, the guest runs detached and the answer comes once it has started.
    """
    return await engine.guests.run_detached(request.spec)


@router.post("/prune")
async def prune_guests(engine: EngineOf, given: FilterList = ()) -> Pruned:
    """Remove all guests that do not run."""
    return await engine.guests.prune(parse_filters(given))


@router.get("/{ref}")
async def show_guest(engine: EngineOf, ref: str, *, size: bool = False) -> GuestView:
    """All there is to know about one guest, by name, id or the id's unambiguous beginning."""
    return await engine.guests.view(ref, size=size)


@router.delete("/{ref}", status_code=204)
async def remove_guest(engine: EngineOf, ref: str, *, force: bool = False, volumes: bool = False) -> None:
    """Remove a guest: `force` kills a running one, `volumes` removes its anonymous volumes."""
    await engine.guests.remove(ref, force=force, volumes=volumes)


@router.post("/{ref}/start", status_code=204)
async def start_guest(engine: EngineOf, ref: str) -> None:
    """Start a guest that does not run; one that runs already is left as it is."""
    await engine.guests.start(ref)


@router.post("/{ref}/stop", status_code=204)
async def stop_guest(engine: EngineOf, ref: str, timeout: Seconds = None, signal: str = "") -> None:
    """Ask a guest to end, and end it when the time is up."""
    await engine.guests.stop(ref, timeout, signal)


@router.post("/{ref}/restart", status_code=204)
async def restart_guest(engine: EngineOf, ref: str, timeout: Seconds = None) -> None:
    """Stop, then start."""
    await engine.guests.restart(ref, timeout)


@router.post("/{ref}/kill", status_code=204)
async def kill_guest(engine: EngineOf, ref: str, signal: str = "SIGKILL") -> None:
    """Send a signal, by name or number, to a guest's first process."""
    await engine.guests.kill(ref, signal)


@router.post("/{ref}/pause", status_code=204)
async def pause_guest(engine: EngineOf, ref: str) -> None:
    """Stop the clock of all of a guest's processes."""
    await engine.guests.pause(ref)


@router.post("/{ref}/unpause", status_code=204)
async def unpause_guest(engine: EngineOf, ref: str) -> None:
    """Let a paused guest go on."""
    await engine.guests.unpause(ref)


@router.post("/{ref}/rename", status_code=204)
async def rename_guest(engine: EngineOf, ref: str, name: str) -> None:
    """Give a guest another name."""
    await engine.guests.rename(ref, name)


@router.post("/{ref}/update")
async def update_guest(engine: EngineOf, ref: str, change: Annotated[GuestUpdate, json_body(GuestUpdate)]) -> Updated:
    """Change limits and the restart policy, of a running guest too; what is not named stays."""
    limits = {field.name: getattr(change, field.name) for field in dataclasses.fields(Resources)}
    return await engine.guests.update(ref, Resources(**limits), change.restart)


@router.post("/{ref}/resize", status_code=204)
async def resize_guest(
    engine: EngineOf, ref: str, rows: Annotated[int, Query(ge=1, le=65535)], cols: Annotated[int, Query(ge=1, le=65535)]
) -> None:
    """Set the size of a guest's terminal."""
    await engine.guests.resize(ref, rows, cols)


@router.post("/{ref}/wait", response_model=ExitStatus)
async def wait_guest(
    engine: EngineOf, request: Request, ref: str, condition: WaitCondition = WaitCondition.NOT_RUNNING
) -> ExitStatus | Response:
    """Answer when a guest has ended, with its exit code."""
    code = await unless_gone(request, engine.guests.wait(ref, condition))
    return Response(status_code=204) if code is None else ExitStatus(code)  # nobody reads the 204


@router.post("/{ref}/fork", status_code=201)
async def fork_guest(
    engine: EngineOf, ref: str, request: Annotated[ForkRequest, json_body(ForkRequest)]
) -> list[Created]:
    """Make and start guests that go on where a running micro guest is now; all of them or none."""
    return list(await engine.snapshots.fork(ref, request))


@router.get("/{ref}/top")
async def list_processes(engine: EngineOf, ref: str, args: str = "") -> TopView:
    """A guest's processes; `args` as for ps(1)."""
    return await engine.guests.top(ref, args)


@router.get("/{ref}/changes")
async def list_changes(engine: EngineOf, ref: str) -> list[Change]:
    """What a guest's file system has more, less or other than its image."""
    return list(await engine.guests.changes(ref))


@router.post("/{ref}/commit", status_code=201)
async def commit_guest(
    engine: EngineOf, ref: str, options: Annotated[CommitOptions, json_body(CommitOptions)]
) -> Identity:
    """Make an image of a guest's file system."""
    return Identity(await engine.guests.commit(ref, options))
