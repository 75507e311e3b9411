"""Images into archives that others load: docker, podman, skopeo (``docker-archive:`` and ``oci-archive:``).

The same images give the same bytes.
"""

from __future__ import annotations

import tarfile
from collections.abc import Sequence

import msgspec

from wirt.abi import oci
from wirt.errors import CorruptData, InvalidInput
from wirt.host.tar_reader import BLOCK
from wirt.host.tarfs import Readable, Writable
from wirt.image import reference
from wirt.image.archive import DOCKER_MANIFEST_FILE
from wirt.image.blobs import LOAD_AGAIN, short
from wirt.image.catalog import Image, Layer
from wirt.image.documents import Descriptor, DockerImage, Index, encode
from wirt.image.repository import Repository
from wirt.image.streams import PIECE, ReadAhead, decompressed

__all__ = ["FORMATS", "save"]

FORMATS = ("docker", "oci")


def save(repository: Repository, images: Sequence[tuple[Image, Sequence[str]]], form: str, out: Writable) -> None:
    """Writes each image once, with the names given for it, as a plain tar.

    CorruptData: a blob is damaged; what was written by then is no whole archive. InvalidInput: no such format.
    """
    if form not in FORMATS:
        raise InvalidInput(f"there is no archive format {form!r}", hint=f"it is one of {', '.join(FORMATS)}")
    with repository.hold() as hold:
        for image, _ in images:
            for part in image.blobs:
                hold.blob(part.digest)
        writer = _Writer(repository, out)
        if form == "docker":
            writer.docker(images)
        else:
            writer.oci(images)
        writer.end()


class _Writer:
    """An archive being written; every file goes in once."""

    def __init__(self, repository: Repository, out: Writable) -> None:
        self._repository = repository
        self._out = out
        self._written: set[str] = set()

    def docker(self, images: Sequence[tuple[Image, Sequence[str]]]) -> None:
        """Configurations and plain layers, and the manifest that tells which belong together."""
        manifest = []
        for image, names in images:
            config = f"{image.id.removeprefix('sha256:')}.json"
            self._blob(config, image.manifest.config, image.title)
            for layer in image.layers:
                self._layer(layer, image.title)
            manifest.append(
                DockerImage(
                    config,
                    [_layer_file(layer) for layer in image.layers],
                    [reference.parse(name).familiar for name in names] or None,
                )
            )
        self._file(DOCKER_MANIFEST_FILE, encode(manifest))

    def oci(self, images: Sequence[tuple[Image, Sequence[str]]]) -> None:
        """A layout; what a reader looks for first comes first."""
        manifests = [
            msgspec.structs.replace(image.descriptor, annotations=_annotations(name))
            for image, names in images
            for name in (names or [""])
        ]
        self._file(oci.LAYOUT_FILE, msgspec.json.encode({"imageLayoutVersion": oci.LAYOUT_VERSION}))
        self._file(oci.INDEX_FILE, encode(Index(manifests, 2, oci.MEDIA_TYPE_INDEX)))
        for image, _ in images:
            for part in image.blobs:
                self._blob(f"{oci.BLOBS_FOLDER}/{part.digest.replace(':', '/', 1)}", part, image.title)

    def end(self) -> None:
        self._out.write(bytes(2 * BLOCK))

    def _blob(self, name: str, blob: Descriptor, title: str) -> None:
        if name not in self._written:
            with self._repository.blobs.open(blob.digest, f"a part of {title}") as stream:
                self._stream(name, stream, blob.size, title)

    def _layer(self, layer: Layer, title: str) -> None:
        name = _layer_file(layer)
        if name in self._written:
            return
        size = self._repository.ensure(layer, title).tar_size
        with self._repository.blobs.open(layer.blob.digest, f"layer {short(layer.diff_id)} of {title}") as blob:
            plain, _ = decompressed(blob)
            with ReadAhead(plain) as stream:
                self._stream(name, stream, size, title)

    def _file(self, name: str, data: bytes) -> None:
        self._header(name, len(data))
        self._out.write(data + bytes(-len(data) % BLOCK))

    def _stream(self, name: str, stream: Readable, size: int, title: str) -> None:
        self._header(name, size)
        left = size
        while piece := stream.read(PIECE):
            left -= len(piece)
            if left < 0:
                break
            self._out.write(piece)
        if left:
            raise CorruptData(f"a part of {title} is not as long as it should be", hint=LOAD_AGAIN)
        self._out.write(bytes(-size % BLOCK))

    def _header(self, name: str, size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size = size
        self._out.write(info.tobuf(tarfile.PAX_FORMAT))
        self._written.add(name)


def _layer_file(layer: Layer) -> str:
    return f"{layer.diff_id.removeprefix('sha256:')}.tar"


def _annotations(name: str) -> dict[str, str] | None:
    return {oci.ANNOTATION_REF_NAME: name, oci.ANNOTATION_CONTAINERD_NAME: name} if name else None
