"""Archives for tests, made member by member with the standard library: trees, layers, and whole images."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import zstandard

__all__ = [
    "PACKERS",
    "ImageRecipe",
    "Member",
    "digest_of",
    "docker_archive",
    "file",
    "folder",
    "hard_link",
    "oci_archive",
    "symlink",
    "tar",
]

Member = tuple[str, bytes, dict[str, object]]

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gzip": lambda data: gzip.compress(data, 1, mtime=0),
    "zstd": zstandard.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}


def tar(*members: Member, format: int = tarfile.PAX_FORMAT) -> io.BytesIO:  # noqa: A002
    """An archive of (name, type or contents, header fields): contents make a regular file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for name, what, fields in members:
            info = tarfile.TarInfo(name)
            data = b""
            if len(what) == 1 and what in b"123456":
                info.type = what
            else:
                data = what
                info.size = len(data)
            info.mode = 0o755 if info.type == tarfile.DIRTYPE else 0o644
            for key, value in fields.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    out.seek(0)
    return out


def file(name: str, data: bytes = b"contents", **fields: object) -> Member:
    return (name, data, fields)


def folder(name: str, **fields: object) -> Member:
    return (name, tarfile.DIRTYPE, fields)


def symlink(name: str, target: str) -> Member:
    return (name, tarfile.SYMTYPE, {"linkname": target})


def hard_link(name: str, target: str) -> Member:
    return (name, tarfile.LNKTYPE, {"linkname": target})


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass
class ImageRecipe:
    """An image to be: ``layers`` are plain tars, lowest first; ``config`` is what a guest inherits, as JSON has it."""

    layers: Sequence[bytes]
    names: Sequence[str] = ()
    config: dict[str, Any] = field(default_factory=dict)
    architecture: str = "amd64"
    created: str = "2024-05-01T12:00:00.123456789Z"

    @property
    def document(self) -> bytes:
        diff_ids = [digest_of(layer) for layer in self.layers]
        history = [{"created": self.created, "created_by": "nothing", "empty_layer": True}]
        history += [{"created": self.created, "created_by": f"layer {n}"} for n in range(len(diff_ids))]
        document = {
            "architecture": self.architecture,
            "os": "linux",
            "created": self.created,
            "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": history,
        }
        return json.dumps(document).encode()

    @property
    def id(self) -> str:
        return digest_of(self.document)


def docker_archive(*images: ImageRecipe, packed: str = "plain") -> bytes:
    """As ``docker save`` wrote them for years: a folder a layer, the same layer again as a symbolic link."""
    members: list[Member] = []
    manifest = []
    seen: dict[str, str] = {}
    for number, image in enumerate(images):
        layers = []
        for place, layer in enumerate(image.layers):
            name = f"{number}{place}/layer.tar"
            digest = digest_of(layer)
            members.append(
                symlink(name, f"../{seen[digest]}") if digest in seen else file(name, PACKERS[packed](layer))
            )
            seen.setdefault(digest, name)
            layers.append(name)
        config = f"{image.id.removeprefix('sha256:')}.json"
        members.append(file(config, image.document))
        manifest.append({"Config": config, "RepoTags": list(image.names) or None, "Layers": layers})
    members.append(file("manifest.json", json.dumps(manifest).encode()))
    members.append(file("repositories", b"{}"))
    return tar(*members).getvalue()


_LAYER_TYPES = {"plain": "", "gzip": "+gzip", "zstd": "+zstd"}


def oci_archive(
    *images: ImageRecipe,
    packed: str = "gzip",
    annotation: str = "org.opencontainers.image.ref.name",
    nested: bool = False,
) -> bytes:
    """An OCI layout in a tar. ``nested``: all images in one index, as one image for several platforms."""
    blobs: dict[str, bytes] = {}

    def put(data: bytes, media_type: str) -> dict[str, Any]:
        blobs[digest_of(data)] = data
        return {"mediaType": f"application/vnd.oci.image.{media_type}", "digest": digest_of(data), "size": len(data)}

    descriptors = []
    for image in images:
        layers = [put(PACKERS[packed](layer), f"layer.v1.tar{_LAYER_TYPES[packed]}") for layer in image.layers]
        manifest = {"schemaVersion": 2, "config": put(image.document, "config.v1+json"), "layers": layers}
        descriptor = put(json.dumps(manifest).encode(), "manifest.v1+json")
        if nested:
            descriptors.append(descriptor | {"platform": {"architecture": image.architecture, "os": "linux"}})
            continue
        descriptors += [descriptor | {"annotations": {annotation: name}} for name in image.names] or [descriptor]
    if nested:
        index = put(json.dumps({"schemaVersion": 2, "manifests": descriptors}).encode(), "index.v1+json")
        descriptors = [index | {"annotations": {annotation: name}} for name in images[0].names] or [index]
    return tar(
        file("oci-layout", b'{"imageLayoutVersion": "1.0.0"}'),
        file("index.json", json.dumps({"schemaVersion": 2, "manifests": descriptors}).encode()),
        folder("blobs"),
        folder("blobs/sha256"),
        *(file(f"blobs/{digest.replace(':', '/')}", data) for digest, data in blobs.items()),
    ).getvalue()
