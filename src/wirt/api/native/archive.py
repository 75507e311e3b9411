"""/v1/guests/{ref}: a guest's files as tar archives."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from wirt.api.bounded import unbounded
from wirt.api.native.parts import TAR, EngineOf, Stream, path_stat_header, streamed, tar_answer
from wirt.api.transfer import upload

__all__ = ["router"]

router = APIRouter(prefix="/guests", tags=["files"])

Path = Annotated[str, Query(min_length=1, description="in the guest")]


@router.get("/{ref}/export", responses=streamed(TAR), response_class=Stream)
async def export_guest(engine: EngineOf, ref: str) -> Stream:
    """A guest's whole file system."""
    return await tar_answer(lambda out: engine.guests.export(ref, out))


@router.head("/{ref}/archive")
async def stat_path(engine: EngineOf, ref: str, path: Path) -> Response:
    """What a path in a guest is: JSON in the header Wirt-Path-Stat."""
    return Response(headers=path_stat_header(await engine.guests.archive_stat(ref, path)))


@router.get("/{ref}/archive", responses=streamed(TAR), response_class=Stream)
async def get_archive(engine: EngineOf, ref: str, path: Path) -> Stream:
    """A file or folder of a guest; what it is stands in the header Wirt-Path-Stat as well."""
    headers = path_stat_header(await engine.guests.archive_stat(ref, path))
    return await tar_answer(lambda out: engine.guests.archive_get(ref, path, out), headers)


@router.put("/{ref}/archive", status_code=204, openapi_extra={"requestBody": {"content": {TAR: {}}}})
async def put_archive(
    engine: EngineOf,
    request: Request,
    ref: str,
    path: Path,
    *,
    no_overwrite: Annotated[bool, Query(alias="no_overwrite_dir_non_dir")] = False,
) -> None:
    """Unpack a tar archive into an existing folder of a guest."""
    await upload(
        unbounded(request),
        lambda stream: engine.guests.archive_put(ref, path, stream, no_overwrite=no_overwrite),
    )
