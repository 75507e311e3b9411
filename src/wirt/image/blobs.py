"""The blobs of an OCI layout: files named by the digest of what they hold.

A blob is written aside and renamed when its digest is known, so that whatever stands under a digest was whole when it
got there. It is verified again whenever it is read: damage found then moves the blob out of the way (``.damaged``), so
that loading its image again puts a good one in its place.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from wirt.abi import oci
from wirt.errors import CorruptData
from wirt.host.tarfs import Readable
from wirt.host.trees import remove_tree
from wirt.image.documents import MAX_DOCUMENT
from wirt.image.reference import is_digest
from wirt.image.streams import PIECE, Sha256

__all__ = ["DAMAGED", "LOAD_AGAIN", "BlobStore", "BlobWriter", "short"]

DAMAGED = ".damaged"
LOAD_AGAIN = "load or bootstrap the image again, under the same name"
_ASIDE = ".new-"


def short(digest: str) -> str:
    """The twelve digits people know a thing by."""
    return digest.removeprefix("sha256:")[:12]


class BlobWriter:
    """A blob that is being written, aside. ``digest`` is known once it is closed; ``path`` is wherever it is then."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = open(path, "xb", buffering=0)  # noqa: SIM115 - closed by close() or discard()
        self._hash = Sha256()
        self.digest = ""
        self.kept = False

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._hash.size

    def write(self, data: bytes | memoryview) -> int:
        """All of ``data``, which must not change any more."""
        self._hash.update(data)
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
        return len(data)

    def close(self) -> None:
        """The digest is known now, and the file complete."""
        self._file.close()
        self.digest = self._hash.digest()

    def discard(self) -> None:
        """Removes what was written, unless the store has taken it."""
        self._file.close()
        with contextlib.suppress(Exception):
            self._hash.close()
        if not self.kept:
            self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()


class BlobStore:
    """``<images>/blobs/sha256``. Any thread may call anything: every change is one rename or unlink."""

    def __init__(self, images: Path) -> None:
        self._aside = images
        self.folder = images / oci.BLOBS_FOLDER / "sha256"
        self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        """Where the blob is, or would be."""
        if not is_digest(digest):
            raise CorruptData(f"{digest[:100]!r} is no sha256 digest")
        return self.folder / digest.removeprefix("sha256:")

    def has(self, digest: str) -> bool:
        return self.path(digest).exists()

    def writer(self) -> BlobWriter:
        """A place for a new blob; use it in a ``with`` statement and ``keep`` it before the end."""
        return BlobWriter(self._aside / f"{_ASIDE}{secrets.token_hex(8)}")

    def keep(self, writer: BlobWriter) -> None:
        """The closed blob gets its name, in the place of any that had it: this one is good. May be called twice."""
        if not writer.kept:
            writer.path = writer.path.rename(self.path(writer.digest))
            writer.kept = True
            writer.path.with_suffix(DAMAGED).unlink(missing_ok=True)

    def put(self, data: bytes) -> str:
        """A small blob; returns its digest."""
        with self.writer() as writer:
            writer.write(data)
            writer.close()
            self.keep(writer)
        return writer.digest

    def read(self, digest: str, what: str) -> bytes:
        """A document's bytes, verified. ``what`` names it in errors."""
        with self.open(digest, what) as stream:
            data = stream.read(MAX_DOCUMENT)
            if stream.read(1):
                raise CorruptData(f"{what} ({short(digest)}) has more than {MAX_DOCUMENT} bytes")
        return data

    @contextlib.contextmanager
    def open(self, digest: str, what: str) -> Iterator[Readable]:
        """The blob as a stream that raises CorruptData instead of its end when it is not what its digest says."""
        try:
            file = open(self.path(digest), "rb", buffering=0)  # noqa: SIM115 - so that only its absence is caught
        except FileNotFoundError as error:
            raise CorruptData(f"{what} ({short(digest)}) is missing", hint=LOAD_AGAIN) from error
        with file, contextlib.closing(_Verified(file, digest, what, self)) as stream:
            yield stream

    def set_aside(self, digest: str) -> None:
        """The blob is damaged: nobody finds it under its digest any more."""
        path = self.path(digest)
        with contextlib.suppress(FileNotFoundError):
            path.rename(path.with_suffix(DAMAGED))

    def remove(self, digest: str) -> int:
        """Deletes the blob; returns the bytes that came free, 0 when there was none."""
        path = self.path(digest)
        path.with_suffix(DAMAGED).unlink(missing_ok=True)
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            return 0
        return size

    def digests(self) -> set[str]:
        """Every blob there is."""
        return {digest for path in self.folder.iterdir() if is_digest(digest := f"sha256:{path.name}")}

    def sweep(self, keep: set[str]) -> None:
        """Deletes what a crash left half written, damaged blobs and those not in ``keep``."""
        for path in [*self.folder.iterdir(), *self._aside.glob(".*")]:
            if f"sha256:{path.name}" not in keep:
                remove_tree(path)


class _Verified:
    """Digests what is read; the end is only told once the digest is right."""

    def __init__(self, stream: Readable, digest: str, what: str, store: BlobStore) -> None:
        self._stream = stream
        self._expected = digest
        self._what = what
        self._store = store
        self._hash = Sha256()
        self._good = False

    def read(self, size: int = PIECE, /) -> bytes:
        piece = self._stream.read(size)
        if piece:
            self._hash.update(piece)
        elif size and not self._good:
            self._check()
        return piece

    def _check(self) -> None:
        if self._hash.digest() != self._expected:
            self._store.set_aside(self._expected)
            raise CorruptData(f"{self._what} ({short(self._expected)}) is damaged", hint=LOAD_AGAIN)
        self._good = True

    def close(self) -> None:
        self._hash.close()
