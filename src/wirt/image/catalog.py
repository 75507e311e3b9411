"""index.json: which images there are, and by which names. It is the only record of both.

The index is read again whenever the file has changed, whoever changed it (``skopeo copy ... oci:images:NAME`` may).
What one reading found is a ``Snapshot``, which never changes, so that readers need no lock. Writers take ``lock``.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import msgspec

from wirt.abi import oci
from wirt.errors import CorruptData, InvalidInput, WirtError
from wirt.host.files import write_atomic
from wirt.image import reference
from wirt.image.blobs import BlobStore, short
from wirt.image.documents import Descriptor, Document, Index, Manifest, decode, encode, to_config, to_time
from wirt.image.layers import chain_ids
from wirt.image.platform import choose
from wirt.model.image import ImageConfig

__all__ = ["Catalog", "Documents", "Edit", "Image", "Layer", "Snapshot", "name_of", "read_image"]


class Documents(Protocol):
    """Where the documents of an image are read: the store, or an archive."""

    def read(self, digest: str, what: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of one image: ``blob`` is its archive, ``chain_id`` names its unpacked tree."""

    chain_id: str
    diff_id: str
    blob: Descriptor


@dataclass(frozen=True, slots=True)
class Image:
    """An image as the store knows it. ``descriptor``: its manifest's; ``layers``: lowest first."""

    id: str
    descriptor: Descriptor
    manifest: Manifest
    document: Document
    config: ImageConfig
    created: float
    layers: tuple[Layer, ...]
    names: tuple[str, ...] = ()

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """Manifest, configuration and layers: all it consists of."""
        return self.descriptor, self.manifest.config, *self.manifest.layers

    @property
    def digest(self) -> str:
        """Of the manifest."""
        return self.descriptor.digest

    @property
    def title(self) -> str:
        """What to call it in a message."""
        return f"image {reference.parse(self.names[0]).familiar if self.names else short(self.id)}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All images at one moment.

    ``names``: full reference -> image id. ``digests``: digest of a manifest or index -> image id. ``damaged``: the same
    two kinds of keys -> what is wrong, for images that cannot be read.
    """

    images: dict[str, Image] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    damaged: dict[str, WirtError] = field(default_factory=dict)


class Catalog:
    """Reads and writes a layout's index. ``lock`` is held while changing it, and by those who delete blobs."""

    def __init__(self, folder: Path, blobs: BlobStore) -> None:
        self.lock = threading.RLock()
        self._path = folder / oci.INDEX_FILE
        self._blobs = blobs
        self._images: dict[str, Image] = {}  # digest of a manifest or index -> the image; these never change
        self._snapshot = Snapshot()
        self._stamp: tuple[int, int, int] | None = None
        layout = folder / oci.LAYOUT_FILE
        if not layout.exists():
            write_atomic(layout, msgspec.json.encode({"imageLayoutVersion": oci.LAYOUT_VERSION}))
        if not self._path.exists():
            self._write([])

    def snapshot(self) -> Snapshot:
        """All images now. Hot: one stat(2) while the index stays as it is."""
        if self._stat() != self._stamp:
            with self.lock:
                stamp = self._stat()
                if stamp != self._stamp:
                    self._snapshot = self._survey(self._read().manifests)
                    self._stamp = stamp
        return self._snapshot

    @contextlib.contextmanager
    def edit(self) -> Iterator[Edit]:
        """Change names and images; what the body did is on the disk when the block ends, or nothing is.

        Blobs of an image that is added must be on the disk before.
        """
        with self.lock:
            edit = Edit(self._read().manifests, self.snapshot())
            yield edit
            if edit.changed:
                self._write(edit.descriptors())

    def reachable(self) -> set[str]:
        """The digest of every blob that the index leads to, as far as it can be followed."""
        with self.lock:
            found: set[str] = set()
            for descriptor in self._read().manifests:
                self._follow(descriptor, found)
            return found

    def chains(self) -> set[str]:
        """The chain id of every layer of every image."""
        return {layer.chain_id for image in self.snapshot().images.values() for layer in image.layers}

    def _stat(self) -> tuple[int, int, int]:
        info = os.stat(self._path)  # noqa: PTH116 - hot
        return info.st_mtime_ns, info.st_ino, info.st_size

    def _read(self) -> Index:
        return decode(self._path.read_bytes(), Index, f"the list of images {self._path}")

    def _write(self, descriptors: list[Descriptor]) -> None:
        write_atomic(self._path, encode(Index(descriptors, 2, oci.MEDIA_TYPE_INDEX)))

    def _survey(self, descriptors: list[Descriptor]) -> Snapshot:
        snapshot = Snapshot()
        for descriptor in descriptors:
            name = name_of(descriptor)
            keys = (name, descriptor.digest) if name else (descriptor.digest,)
            try:
                image = self._image(descriptor)
            except WirtError as error:
                snapshot.damaged.update(dict.fromkeys(keys, error))
                continue
            known = snapshot.images.get(image.id, image)
            if name:
                known = replace(known, names=(*known.names, name))
                snapshot.names[name] = image.id
            snapshot.images[image.id] = known
            snapshot.digests[descriptor.digest] = snapshot.digests[image.digest] = image.id
        self._images = {digest: image for digest, image in self._images.items() if digest in snapshot.digests}
        return snapshot

    def _image(self, descriptor: Descriptor) -> Image:
        image = self._images.get(descriptor.digest)
        if image is None:
            what = f"image {name_of(descriptor) or descriptor.digest}"
            image = self._images[descriptor.digest] = read_image(descriptor, self._blobs, what)
        return image

    def _follow(self, descriptor: Descriptor, found: set[str]) -> None:
        if descriptor.digest in found:
            return
        found.add(descriptor.digest)
        with contextlib.suppress(CorruptData):  # an index for many platforms may come without most of them
            if descriptor.media_type in oci.INDEX_TYPES:
                data = self._blobs.read(descriptor.digest, "an image index")
                for child in decode(data, Index, "an image index").manifests:
                    self._follow(child, found)
            elif descriptor.media_type in oci.MANIFEST_TYPES:
                data = self._blobs.read(descriptor.digest, "a manifest")
                manifest = decode(data, Manifest, "a manifest")
                found.update(part.digest for part in (manifest.config, *manifest.layers))


class Edit:
    """An index being changed: each manifest's descriptor once, with all its names. ``freed``: bytes, known at the end.

    A manifest without a name stays only while no other leads to the same image; an unreadable one does not.
    """

    def __init__(self, descriptors: list[Descriptor], snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.changed = False
        self.freed = 0
        self._owners = dict(snapshot.digests)
        self._images: dict[str, tuple[Descriptor, list[str]]] = {}
        for descriptor in descriptors:
            _, names = self._images.setdefault(descriptor.digest, (descriptor, []))
            if name := name_of(descriptor):
                names.append(name)

    def add(self, image: Image, names: Iterable[str]) -> None:
        """The image is there, and these names are its own now; who had them before keeps what others it has."""
        wanted = list(dict.fromkeys(names))
        for name in wanted:
            self.drop_name(name)
        self._images.setdefault(image.digest, (image.descriptor, []))[1].extend(wanted)
        self._owners[image.digest] = image.id
        self.changed = True

    def drop_name(self, name: str) -> None:
        """Nobody is called so any more; an image without names stays."""
        for _, names in self._images.values():
            if name in names:
                names.remove(name)
                self.changed = True

    def drop_manifest(self, digest: str) -> None:
        """The manifest or index with this digest goes, names and all."""
        self.changed |= self._images.pop(digest, None) is not None

    def drop_image(self, image_id: str) -> None:
        """Everything that leads to the image goes, names and all."""
        for digest in [digest for digest in self._images if self._owners.get(digest) == image_id]:
            self.drop_manifest(digest)

    def descriptors(self) -> list[Descriptor]:
        """What to write: one a name, or one alone for an image without."""
        named = {self._owners.get(digest) for digest, (_, names) in self._images.items() if names} | {None}
        written = []
        for digest, (descriptor, names) in self._images.items():
            if names:
                written += [_called(descriptor, name) for name in names]
            elif (owner := self._owners.get(digest)) not in named:
                written.append(_called(descriptor, ""))
                named.add(owner)
        return written


def name_of(descriptor: Descriptor) -> str:
    """The full reference in a descriptor's annotations; "" where there is none, or none that is a name."""
    annotations = descriptor.annotations or {}
    for key in (oci.ANNOTATION_CONTAINERD_NAME, oci.ANNOTATION_REF_NAME):
        if text := annotations.get(key):
            with contextlib.suppress(InvalidInput):
                return str(reference.parse(text).tagged())
    return ""


def read_image(descriptor: Descriptor, blobs: Documents, what: str) -> Image:
    """The image that a descriptor leads to on this host's platform; ``what`` names it in errors."""
    for _ in range(4):  # an index may point to an index; nobody does more than twice
        if descriptor.media_type not in oci.INDEX_TYPES:
            break
        data = blobs.read(descriptor.digest, f"the index of {what}")
        descriptor = choose(decode(data, Index, f"the index of {what}"), what)
    if descriptor.media_type not in oci.MANIFEST_TYPES:
        raise InvalidInput(f"{what} is no image but {descriptor.media_type[:100]!r}")
    data = blobs.read(descriptor.digest, f"the manifest of {what}")
    manifest = decode(data, Manifest, f"the manifest of {what}")
    data = blobs.read(manifest.config.digest, f"the configuration of {what}")
    document = decode(data, Document, f"the configuration of {what}")
    diff_ids = document.rootfs.diff_ids
    if len(diff_ids) != len(manifest.layers):
        raise CorruptData(f"{what} has {len(manifest.layers)} layers and digests of {len(diff_ids)}")
    parts = zip(chain_ids(diff_ids), diff_ids, manifest.layers, strict=True)
    return Image(
        id=manifest.config.digest,
        descriptor=_called(descriptor, ""),
        manifest=manifest,
        document=document,
        config=to_config(document.config),
        created=to_time(document.created),
        layers=tuple(Layer(chain_id, diff_id, blob) for chain_id, diff_id, blob in parts),
    )


def _called(descriptor: Descriptor, name: str) -> Descriptor:
    ours = (oci.ANNOTATION_CONTAINERD_NAME, oci.ANNOTATION_REF_NAME)
    annotations = {key: value for key, value in (descriptor.annotations or {}).items() if key not in ours}
    if name:
        annotations[oci.ANNOTATION_REF_NAME] = name
    return msgspec.structs.replace(descriptor, annotations=annotations or None)
