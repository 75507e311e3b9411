"""Images of our own making: from a root file system, or from another image and what a guest changed in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from wirt.host.tarfs import Readable, pack
from wirt.image.catalog import Image
from wirt.image.documents import Document, History, RootFs, encode, from_config, from_time
from wirt.image.intake import OnProgress, Watched
from wirt.image.load import make_image
from wirt.image.platform import host_platform
from wirt.image.repository import Repository
from wirt.image.streams import PIECE
from wirt.model.image import ImageConfig

__all__ = ["commit", "import_rootfs"]


def import_rootfs(
    repository: Repository,
    stream: Readable,
    *,
    config: ImageConfig,
    names: Sequence[str],
    created: float | None = None,
    created_by: str = "",
    message: str = "",
    progress: OnProgress | None = None,
) -> str:
    """An image of one layer out of a tar of any compression, read to its end; returns its id."""
    watched = Watched(stream, progress, task="archive", text="Reading the archive", total=0)
    with repository.hold() as hold:
        with repository.blobs.writer() as staged:
            while piece := watched.read(PIECE):
                staged.write(piece)
            staged.close()
            layer = repository.add(hold, staged, below="", expected="", what="the archive", progress=progress)
        host = host_platform()
        now = from_time(created)
        document = Document(
            architecture=host.architecture,
            os=host.os,
            variant=host.variant,
            rootfs=RootFs([layer.diff_id]),
            created=now,
            config=from_config(config),
            history=[History(created=now, created_by=created_by, comment=message)],
        )
        image = make_image(hold, encode(document), [layer], "the image")
        repository.publish(hold, [(image, names)])
    return image.id


def commit(
    repository: Repository,
    base: Image,
    upper: Path,
    *,
    config: ImageConfig,
    names: Sequence[str],
    author: str = "",
    message: str = "",
    skip: Collection[str] = (),
) -> str:
    """``base`` with one layer more, made of the upper folder of an overlay; returns the new image's id.

    ``skip``: paths that stay out. Whatever is in ``upper`` must not change meanwhile, or the layer is of no one moment.
    """
    with repository.hold() as hold:
        for part in base.blobs:
            hold.blob(part.digest)
        for layer in base.layers:
            hold.chain(layer.chain_id)
        below = base.layers[-1].chain_id if base.layers else ""
        with repository.blobs.writer() as staged:
            pack(upper, staged, whiteouts=True, skip=skip)
            staged.close()
            layer = repository.add(hold, staged, below=below, expected="", what="the new layer", progress=None)
        now = from_time()
        step = History(created=now, author=author, created_by="wirt commit", comment=message)
        document = msgspec.structs.replace(
            base.document,
            author=author,
            created=now,
            config=from_config(config),
            rootfs=RootFs([*base.document.rootfs.diff_ids, layer.diff_id]),
            history=[*(base.document.history or []), step],
        )
        image = make_image(hold, encode(document), [*base.layers, layer], "the image")
        repository.publish(hold, [(image, names)])
    return image.id
