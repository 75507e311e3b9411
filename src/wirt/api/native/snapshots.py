"""/v1/snapshots: guests as they were, memory and all."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from wirt.api.native.parts import EngineOf, json_body
from wirt.model.snapshot import Snapshot, SnapshotRequest

__all__ = ["router"]

router = APIRouter(prefix="/snapshots", tags=["snapshots"])


@router.get("")
async def list_snapshots(engine: EngineOf) -> list[Snapshot]:
    """The snapshots, newest first."""
    return list(await engine.snapshots.list())


@router.post("", status_code=201)
async def create_snapshot(
    engine: EngineOf, request: Annotated[SnapshotRequest, json_body(SnapshotRequest)]
) -> Snapshot:
    """Write a running micro guest down. Guests that are made with `snapshot` go on from there."""
    return await engine.snapshots.create(request)


@router.get("/{ref}")
async def show_snapshot(engine: EngineOf, ref: str) -> Snapshot:
    """One snapshot, by name, id or the id's unambiguous beginning."""
    return await engine.snapshots.view(ref)


@router.delete("/{ref}", status_code=204)
async def remove_snapshot(engine: EngineOf, ref: str) -> None:
    """Delete a snapshot. Guests that have started from it do not need it any more."""
    await engine.snapshots.remove(ref)
