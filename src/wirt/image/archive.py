"""An archive with images in it, taken apart: small documents in memory, everything else in files aside.

Layers usually come before the documents that say what they are, so nothing can be decided before the end. No name in
the archive ever becomes a path.
"""

from __future__ import annotations

import contextlib
import posixpath
import re
import tarfile
from typing import TypeVar

from wirt.abi import oci
from wirt.errors import CorruptData, InvalidInput
from wirt.host.tar_reader import TarReader, shown
from wirt.host.tarfs import Readable
from wirt.image.blobs import BlobStore, BlobWriter, short
from wirt.image.documents import MAX_DOCUMENT, decode

__all__ = ["DOCKER_MANIFEST_FILE", "REPOSITORIES_FILE", "Archive"]

DOCKER_MANIFEST_FILE = "manifest.json"
REPOSITORIES_FILE = "repositories"

_DOCUMENTS = frozenset({DOCKER_MANIFEST_FILE, REPOSITORIES_FILE, oci.INDEX_FILE, oci.LAYOUT_FILE})
_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})").fullmatch
_MAX_ENTRIES = 20_000  # an image has at most 127 layers; a root file system has more files
_MAKE_AGAIN = "make or fetch the archive again"

_D = TypeVar("_D")


class Archive:
    """What was in a tar stream. ``close`` removes all that nobody has taken over."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._documents: dict[str, bytes] = {}
        self._files: dict[str, BlobWriter] = {}
        self._links: dict[str, str] = {}
        self._cleanup = contextlib.ExitStack()

    def close(self) -> None:
        self._cleanup.close()

    def take(self, stream: Readable) -> None:
        """Reads the whole (plain) tar."""
        reader = TarReader(stream)
        for count, entry in enumerate(reader):
            name = posixpath.normpath(entry.name).lstrip("/")
            if count > _MAX_ENTRIES:
                raise self._nothing_here()
            if entry.type == tarfile.SYMTYPE:
                self._links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), entry.link))
            elif entry.type == tarfile.LNKTYPE:
                self._links[name] = posixpath.normpath(entry.link)
            elif name in _DOCUMENTS:
                self._documents[name] = reader.read(MAX_DOCUMENT)
            elif entry.type in (tarfile.REGTYPE, tarfile.AREGTYPE):
                self._file(name, reader)

    def has(self, document: str) -> bool:
        """Whether one of the documents that say what is in an archive is there."""
        return document in self._documents

    def document(self, name: str, kind: type[_D]) -> _D:
        """One of those documents, decoded."""
        return decode(self._documents[name], kind, f"{name} in the archive")

    def file(self, name: str) -> BlobWriter:
        """A file by its name, links followed."""
        place = posixpath.normpath(name)
        for _ in range(10):
            if place in self._files:
                return self._files[place]
            place = self._links.get(place, "")
        raise CorruptData(f"the archive lacks {shown(name)}, which it says it has", hint=_MAKE_AGAIN)

    def blob(self, digest: str) -> BlobWriter:
        """A file by its digest."""
        return self.file(f"{oci.BLOBS_FOLDER}/{digest.replace(':', '/', 1)}")

    def read(self, digest: str, what: str) -> bytes:
        """A blob's contents; it was verified on the way in."""
        return self.contents(self.blob(digest), what)

    @staticmethod
    def contents(file: BlobWriter, what: str) -> bytes:
        """A small file's contents."""
        if file.size > MAX_DOCUMENT:
            raise CorruptData(f"{what} has more than {MAX_DOCUMENT} bytes", hint=_MAKE_AGAIN)
        return file.path.read_bytes()

    def nothing_here(self) -> InvalidInput:
        """There is no image in this archive: the error to raise."""
        if self.has(REPOSITORIES_FILE):
            return InvalidInput(
                "the archive was made by a Docker older than 1.10", hint="load it into a newer Docker and save it again"
            )
        return self._nothing_here()

    @staticmethod
    def _nothing_here() -> InvalidInput:
        return InvalidInput(
            "there is no image in the archive", hint="if it is a root file system, use wirt image import"
        )

    def _file(self, name: str, reader: TarReader) -> None:
        writer = self._cleanup.enter_context(self._blobs.writer())
        for piece in reader.pieces():
            writer.write(piece)
        writer.close()
        wanted = _BLOB(name)
        if wanted and writer.digest != f"sha256:{wanted[1]}":
            raise CorruptData(f"blob {short(wanted[1])} in the archive is damaged", hint=_MAKE_AGAIN)
        self._files[name] = writer
