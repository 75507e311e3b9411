"""The image store: what the engine knows of images. Every method may be called from any thread, and blocks.

Lock order: see ``repository``. Nobody is called back under a lock but ``progress`` (under a layer's).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from wirt.errors import InvalidInput
from wirt.host.failures import explaining
from wirt.host.tarfs import Readable, Writable
from wirt.image import load, making, reference, removal, save
from wirt.image.catalog import Image
from wirt.image.changes import apply_changes
from wirt.image.documents import to_time
from wirt.image.intake import OnProgress
from wirt.image.repository import Repository
from wirt.image.selection import Filters, find, select
from wirt.model.image import HistoryEntry, ImageConfig, ImageDeletion, ImageSummary, ImageUsage, ImageView
from wirt.model.wire import Loaded

__all__ = ["ImageStore"]


class ImageStore:
    """``images``: an OCI image layout; ``layers``: its layers, unpacked. Both folders are made when they are missing.

    An image is meant by name ("busybox"), by id or digest, or by the beginning of its id. Methods raise ImageNotFound,
    InvalidInput, CorruptData (with what to do), OutOfSpace, and as they say.
    """

    def __init__(self, images: Path, layers: Path) -> None:
        with explaining("open the image store"):
            self._repository = Repository(images, layers)

    def recover(self) -> None:
        """Deletes what a crash left half made or half deleted. Only at a start, before anything else is asked."""
        with explaining("clean up the image store"):
            self._repository.sweep()

    # -- looking --------------------------------------------------------------------------------------------------

    def resolve(self, text: str) -> str:
        """The id of the image that is meant."""
        return self._find(text).id

    def config(self, image_id: str) -> ImageConfig:
        """What a guest inherits from the image."""
        return self._find(image_id).config

    def names(self, image_id: str) -> tuple[str, ...]:
        """Every full name of the image; () also when there is no such image."""
        image = self._repository.catalog.snapshot().images.get(image_id)
        return image.names if image else ()

    def rootfs(self, image_id: str, progress: OnProgress | None = None) -> tuple[Path, ...]:
        """The image's unpacked layers, topmost first, as overlayfs takes them; a missing one is unpacked again."""
        with explaining("unpack the image"):
            return self._repository.trees(self._find(image_id), progress)

    def list(self, filters: Filters | None = None) -> Sequence[ImageSummary]:
        """All images that pass the filters (before, dangling, label, label!, reference, since, until), newest first."""
        return [
            ImageSummary(image.id, image.names, image.created, self._size(image), image.config.labels, image.digest)
            for image in select(self._repository.catalog.snapshot(), filters or {})
        ]

    def view(self, text: str) -> ImageView:
        """Everything about one image."""
        image = self._find(text)
        document = image.document
        return ImageView(
            id=image.id,
            names=image.names,
            digest=image.digest,
            created=image.created,
            author=document.author,
            architecture=document.architecture,
            os=document.os,
            variant=document.variant,
            size=self._size(image),
            config=image.config,
            layers=tuple(layer.diff_id for layer in image.layers),
            history=self._history(image),
        )

    def history(self, text: str) -> tuple[HistoryEntry, ...]:
        """The steps that made the image, newest first."""
        return self._history(self._find(text))

    def usage(self, in_use: Iterable[str] = ()) -> ImageUsage:
        """Bytes on the disk; ``in_use``: ids of images that guests need."""
        images = self._repository.catalog.snapshot().images.values()
        used = set(in_use)
        archives, layers = self._bytes(images)
        kept_archives, kept_layers = self._bytes(image for image in images if image.id in used)
        return ImageUsage(len(images), archives, layers, archives + layers - kept_archives - kept_layers)

    def find_made(self, created_by: str, created: float) -> str:
        """The id of the image whose last step was this one at that time; "" if there is none that is whole."""
        for image in self._repository.catalog.snapshot().images.values():
            made = {(step.created_by, to_time(step.created)) for step in (image.document.history or ())[-1:]}
            if (created_by, created) in made and self._repository.is_whole(image):
                return image.id
        return ""

    # -- names ----------------------------------------------------------------------------------------------------

    def tag(self, text: str, target: str) -> None:
        """The image is called ``target`` as well, and whichever was called so is not any more."""
        name = _name(target)
        image = self._find(text)
        with explaining("name the image"), self._repository.edit() as edit:
            edit.add(image, [name])

    def remove(self, text: str, *, force: bool = False, in_use: Mapping[str, str] | None = None) -> ImageDeletion:
        """Takes the name away, and with the last one (or when an id is given) deletes the image.

        ``in_use``: image id -> name of a guest that needs it; such an image only ever loses its names, if ``force``d.
        Conflict: it is in use, or has names in several repositories and is given by its id.
        """
        with explaining("remove the image"):
            return removal.remove(self._repository, text, force=force, in_use=in_use or {})

    def prune(self, *, all_: bool = False, filters: Filters | None = None, in_use: Iterable[str] = ()) -> ImageDeletion:
        """Deletes images no guest needs: those without a name, or with ``all_`` any. Filters as in ``list``."""
        with explaining("remove images"):
            return removal.prune(self._repository, show_all=all_, filters=filters or {}, in_use=in_use)

    # -- in and out -----------------------------------------------------------------------------------------------

    def load(self, stream: Readable, progress: OnProgress | None = None, *, total: int = 0) -> Sequence[Loaded]:
        """Every image of a ``docker save`` or OCI archive, itself compressed or not; all of them or none.

        ``total``: bytes of the stream if they are known, for the progress.
        """
        with explaining("load the image"):
            return load.load(self._repository, stream, progress, total)

    def import_rootfs(
        self,
        stream: Readable,
        name: str = "",
        *,
        changes: Sequence[str] = (),
        message: str = "",
        config: ImageConfig | None = None,
        created: float | None = None,
        created_by: str = "wirt import",
        progress: OnProgress | None = None,
    ) -> str:
        """An image of a root file system's tar, compressed or not; returns its id.

        ``config`` changed by ``changes`` (lines of a Dockerfile) is the image's; ``created`` is now by default.
        """
        changed = apply_changes(config or ImageConfig(), changes)
        with explaining("import the image"):
            return making.import_rootfs(
                self._repository,
                stream,
                config=changed,
                names=[_name(name)] if name else [],
                created=created,
                created_by=created_by,
                message=message,
                progress=progress,
            )

    def save(self, texts: Sequence[str], form: str, out: Writable) -> None:
        """Writes the images to ``out`` as one archive for ``docker load`` ("docker") or as an OCI layout ("oci").

        An image given by name has that name there; given by id, none.
        """
        chosen: dict[str, tuple[Image, list[str]]] = {}
        for text in texts:
            found = find(self._repository.catalog.snapshot(), text)
            _, names = chosen.setdefault(found.image.id, (found.image, []))
            if found.name and found.name not in names:
                names.append(found.name)
        if not chosen:
            raise InvalidInput("no image to save", hint="name one or more images")
        with explaining("save the image"):
            save.save(self._repository, list(chosen.values()), form, out)

    def commit(
        self,
        base_image_id: str,
        upper: Path,
        config: ImageConfig,
        *,
        author: str = "",
        message: str = "",
        name: str = "",
        skip: Collection[str] = (),
    ) -> str:
        """The base image with what a guest changed, its overlay's ``upper`` folder, as one layer more; returns the id.

        ``skip``: paths that stay out. The guest must not write meanwhile, or the layer is of no one moment.
        """
        names = [_name(name)] if name else []
        with explaining("commit the guest"):
            return making.commit(
                self._repository,
                self._find(base_image_id),
                upper,
                config=config,
                names=names,
                author=author,
                message=message,
                skip=skip,
            )

    # -- within ---------------------------------------------------------------------------------------------------

    def _find(self, text: str) -> Image:
        snapshot = self._repository.catalog.snapshot()
        return snapshot.images.get(text) or find(snapshot, text).image

    def _size(self, image: Image) -> int:
        return sum(self._layer_sizes(image))

    def _layer_sizes(self, image: Image) -> Sequence[int]:
        """Bytes of each layer's files, lowest first; of its archive while it is not unpacked."""
        known = [self._repository.layers.info(layer.chain_id) for layer in image.layers]
        return [info.size if info else layer.blob.size for info, layer in zip(known, image.layers, strict=True)]

    def _bytes(self, images: Iterable[Image]) -> tuple[int, int]:
        """(bytes of archives, bytes of unpacked layers), each counted once."""
        archives: dict[str, int] = {}
        layers: dict[str, int] = {}
        for image in images:
            archives |= {part.digest: part.size for part in image.blobs}
            layers |= zip((layer.chain_id for layer in image.layers), self._layer_sizes(image), strict=True)
        return sum(archives.values()), sum(layers.values())

    def _history(self, image: Image) -> tuple[HistoryEntry, ...]:
        sizes = iter(self._layer_sizes(image))
        entries = [
            HistoryEntry(
                created=to_time(step.created),
                created_by=step.created_by,
                size=0 if step.empty_layer else next(sizes, 0),
                comment=step.comment,
                empty_layer=step.empty_layer,
            )
            for step in image.document.history or ()
        ]
        return tuple(reversed(entries))


def _name(text: str) -> str:
    """A name to give to an image, in full."""
    named = reference.parse(text)
    if named.digest:
        raise InvalidInput(f"{text!r} has a digest, and no image can be named by that", hint="leave out @sha256:...")
    return str(named.tagged())
