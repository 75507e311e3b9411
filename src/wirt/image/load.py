"""Images out of archives: ``docker save`` (any since 1.10, podman's and skopeo's docker-archive), and OCI layouts.

An archive that is both, as newer Dockers write them, is read as the former: its names are complete there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from wirt.abi import oci
from wirt.errors import CorruptData
from wirt.host.tar_reader import shown
from wirt.host.tarfs import Readable
from wirt.image import reference
from wirt.image.archive import DOCKER_MANIFEST_FILE, Archive
from wirt.image.catalog import Image, Layer, name_of, read_image
from wirt.image.documents import Descriptor, DockerImage, DockerManifest, Document, Index, Manifest, decode, encode
from wirt.image.intake import OnProgress, Watched
from wirt.image.repository import Hold, Repository
from wirt.image.streams import decompressed
from wirt.model.wire import Loaded

__all__ = ["load", "make_image"]


def load(repository: Repository, stream: Readable, progress: OnProgress | None, total: int = 0) -> list[Loaded]:
    """Every image in ``stream`` (compressed or not) is in the store when this returns, or none is.

    ``total``: bytes of the stream, for the progress; 0 is unknown. Raises InvalidInput, CorruptData, OutOfSpace.
    """
    watched = Watched(stream, progress, task="archive", text="Reading the archive", total=total)
    with contextlib.closing(Archive(repository.blobs)) as archive, repository.hold() as hold:
        plain, _ = decompressed(watched)
        archive.take(plain)
        found = _Loading(repository, hold, archive, progress).images()
        archive.close()  # before layers are synced to the disk, so that these files never have to be
        repository.publish(hold, found)
    merged: dict[str, tuple[str, ...]] = {}
    for image, names in found:
        merged[image.id] = tuple(dict.fromkeys((*merged.get(image.id, ()), *names)))
    return [Loaded(image_id, names) for image_id, names in merged.items()]


def make_image(hold: Hold, config: bytes, layers: Sequence[Layer], what: str) -> Image:
    """A manifest for a configuration and layers that are in the store; ``what`` names the image in errors."""
    manifest = Manifest(
        Descriptor(oci.MEDIA_TYPE_CONFIG, hold.put(config), len(config)),
        [layer.blob for layer in layers],
        schema_version=2,
        media_type=oci.MEDIA_TYPE_MANIFEST,
    )
    data = encode(manifest)
    descriptor = Descriptor(oci.MEDIA_TYPE_MANIFEST, hold.put(data), len(data))
    return read_image(descriptor, hold.repository.blobs, what)


@dataclass(slots=True)
class _Loading:
    """One archive on its way into the store."""

    repository: Repository
    hold: Hold
    archive: Archive
    progress: OnProgress | None

    def images(self) -> list[tuple[Image, list[str]]]:
        """All images, with their names; every blob and layer of theirs is in the store then."""
        found: list[tuple[Image, list[str]]] = []
        if self.archive.has(DOCKER_MANIFEST_FILE):
            found = [self._docker(item) for item in self.archive.document(DOCKER_MANIFEST_FILE, DockerManifest)]
        elif self.archive.has(oci.INDEX_FILE):
            found = [self._oci(item) for item in self.archive.document(oci.INDEX_FILE, Index).manifests]
        if not found:
            raise self.archive.nothing_here()
        return found

    def _docker(self, item: DockerImage) -> tuple[Image, list[str]]:
        names = [str(reference.parse(tag).tagged()) for tag in item.repo_tags or ()]
        what = f"image {names[0]}" if names else f"the image of {shown(item.config)}"
        staged = self.archive.file(item.config)
        config = self.archive.contents(staged, f"the configuration of {what}")
        known = self.repository.catalog.snapshot().images.get(staged.digest)
        if known and self._held(known):
            for layer in known.layers:
                self.repository.unpack(self.hold, layer, what, self.progress)
            return known, names
        layers = self._docker_layers(item, config, what)
        return make_image(self.hold, config, layers, what), names

    def _docker_layers(self, item: DockerImage, config: bytes, what: str) -> list[Layer]:
        diff_ids = decode(config, Document, f"the configuration of {what}").rootfs.diff_ids
        if len(diff_ids) != len(item.layers):
            raise CorruptData(f"{what} has {len(item.layers)} layers and digests of {len(diff_ids)}")
        layers: list[Layer] = []
        for number, (diff_id, name) in enumerate(zip(diff_ids, item.layers, strict=True), 1):
            layer = self.repository.add(
                self.hold,
                self.archive.file(name),
                below=layers[-1].chain_id if layers else "",
                expected=diff_id,
                what=f"layer {number} of {what}",
                progress=self.progress,
            )
            layers.append(layer)
        return layers

    def _held(self, image: Image) -> bool:
        """Holds what an image consists of; whether it is all there still."""
        for part in image.blobs:
            self.hold.blob(part.digest)
        for layer in image.layers:
            self.hold.chain(layer.chain_id)
        return self.repository.is_whole(image)

    def _oci(self, descriptor: Descriptor) -> tuple[Image, list[str]]:
        name = name_of(descriptor)
        what = f"image {name}" if name else "the image in the archive"
        image = read_image(descriptor, self.archive, what)
        for part in image.blobs:
            self.hold.blob(part.digest)
            self.repository.blobs.keep(self.archive.blob(part.digest))
        for layer in image.layers:
            self.hold.chain(layer.chain_id)
            self.repository.unpack(self.hold, layer, what, self.progress)
        return image, [name] if name else []
