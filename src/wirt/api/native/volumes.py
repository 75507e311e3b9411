"""/v1/volumes: what outlives guests."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from wirt.api.filters import parse_filters
from wirt.api.native.parts import EngineOf, FilterList, json_body
from wirt.model.network import Volume, VolumeSpec
from wirt.model.wire import Pruned

__all__ = ["router"]

router = APIRouter(prefix="/volumes", tags=["volumes"])


@router.get("")
async def list_volumes(engine: EngineOf, given: FilterList = ()) -> list[Volume]:
    """The volumes, anonymous ones included."""
    return list(await engine.volumes.list(parse_filters(given)))


@router.post("", status_code=201)
async def create_volume(engine: EngineOf, spec: Annotated[VolumeSpec, json_body(VolumeSpec)]) -> Volume:
    """Make a volume; one that exists with the same settings is left as it is."""
    return await engine.volumes.create(spec)


@router.post("/prune")
async def prune_volumes(
    engine: EngineOf,
    given: FilterList = (),
    *,
    show_all: Annotated[bool, Query(alias="all", description="named ones as well")] = False,
) -> Pruned:
    """Remove the anonymous volumes that no guest uses."""
    return await engine.volumes.prune(show_all=show_all, filters=parse_filters(given))


@router.get("/{name}")
async def show_volume(engine: EngineOf, name: str) -> Volume:
    """One volume."""
    return await engine.volumes.view(name)


@router.delete("/{name}", status_code=204)
async def remove_volume(engine: EngineOf, name: str, *, force: bool = False) -> None:
    """Remove a volume that no guest uses; with `force`, one that does not exist is no error."""
    await engine.volumes.remove(name, force=force)
