"""/v1/images: what guests are made of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request

from wirt.api.bounded import unbounded
from wirt.api.filters import parse_filters
from wirt.api.native.parts import NDJSON, TAR, EngineOf, FilterList, Stream, json_body, streamed, tar_answer
from wirt.api.native.work import work_answer
from wirt.api.protocols import OnProgress
from wirt.api.transfer import upload
from wirt.model.image import HistoryEntry, ImageDeletion, ImageSummary, ImageView
from wirt.model.wire import BootstrapRequest, Loaded

__all__ = ["router"]

router = APIRouter(prefix="/images", tags=["images"])

_TAR_BODY: dict[str, Any] = {"requestBody": {"content": {TAR: {}}}}


@router.get("")
async def list_images(engine: EngineOf, given: FilterList = ()) -> list[ImageSummary]:
    """The images on this host."""
    return list(await engine.images.list(filters=parse_filters(given)))


@router.get("/save", responses=streamed(TAR), response_class=Stream)
async def save_images(
    engine: EngineOf,
    names: Annotated[tuple[str, ...], Query(alias="name", min_length=1)],
    archive_format: Annotated[Literal["docker", "oci"], Query(alias="format")] = "docker",
) -> Stream:
    """Images as one archive that docker, podman and skopeo read."""
    return await tar_answer(lambda out: engine.images.save(names, archive_format, out))


@router.post("/load", responses=streamed(NDJSON), response_class=Stream, openapi_extra=_TAR_BODY)
async def load_images(engine: EngineOf, request: Request) -> Stream:
    """Take in an archive of docker's or the OCI's layout, plain or compressed by gzip, zstd or xz.

    The answer's lines are {"progress"}, {"image", "names"} for each image, or {"error"}.
    """
    received = asyncio.Event()

    async def work(progress: OnProgress) -> Sequence[Loaded]:
        return await upload(_body(request, received), lambda stream: engine.images.load(stream, progress))

    return await work_answer(work, received=received)


@router.post("/import", responses=streamed(NDJSON), response_class=Stream, openapi_extra=_TAR_BODY)
async def import_image(
    engine: EngineOf,
    request: Request,
    name: str = "",
    changes: Annotated[tuple[str, ...], Query(alias="change", description="lines of a Dockerfile")] = (),
    message: str = "",
) -> Stream:
    """Make an image of a root file system's tar archive. The answer's lines are those of load."""
    received = asyncio.Event()

    async def work(progress: OnProgress) -> Sequence[Loaded]:
        image_id = await upload(
            _body(request, received),
            lambda stream: engine.images.import_rootfs(
                stream, name, changes=changes, message=message, progress=progress
            ),
        )
        return [Loaded(image_id, (name,) if name else ())]

    return await work_answer(work, received=received)


@router.post("/bootstrap", responses=streamed(NDJSON), response_class=Stream)
async def bootstrap_image(engine: EngineOf, recipe: Annotated[BootstrapRequest, json_body(BootstrapRequest)]) -> Stream:
    """Build a base image from a distribution's packages. The answer's lines are those of load."""

    async def work(progress: OnProgress) -> Sequence[Loaded]:
        image_id = await engine.images.bootstrap(recipe, progress)
        return [Loaded(image_id, (recipe.name or recipe.recipe,))]

    return await work_answer(work)


@router.post("/prune")
async def prune_images(
    engine: EngineOf,
    given: FilterList = (),
    *,
    show_all: Annotated[bool, Query(alias="all", description="all that no guest uses, named or not")] = False,
) -> ImageDeletion:
    """Remove images without a name that no guest uses."""
    return await engine.images.prune(show_all=show_all, filters=parse_filters(given))


@router.get("/{name:path}/json")
async def show_image(engine: EngineOf, name: str) -> ImageView:
    """All there is to know about one image, by name, id or digest."""
    return await engine.images.view(name)


@router.get("/{name:path}/history")
async def show_history(engine: EngineOf, name: str) -> list[HistoryEntry]:
    """How an image was made, newest step first."""
    return list(await engine.images.history(name))


@router.post("/{name:path}/tag", status_code=204)
async def tag_image(engine: EngineOf, name: str, target: str) -> None:
    """Give an image one more name."""
    await engine.images.tag(name, target)


@router.delete("/{name:path}")
async def remove_image(engine: EngineOf, name: str, *, force: bool = False) -> ImageDeletion:
    """Take a name away; with its last name goes the image."""
    return await engine.images.remove(name, force=force)


async def _body(request: Request, received: asyncio.Event) -> AsyncIterator[bytes]:
    async for chunk in unbounded(request):
        yield chunk
    received.set()
