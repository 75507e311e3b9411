"""What happens to a layer's archive while it is unpacked: it is digested, packed if it is not yet, and watched."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Self

from wirt.abi import oci
from wirt.host.tarfs import Readable
from wirt.image.blobs import BlobStore, BlobWriter, short
from wirt.image.documents import Descriptor
from wirt.image.streams import Compression, Gzip, Sha256, WriteBehind
from wirt.model.image import Progress

__all__ = ["Intake", "OnProgress", "Watched"]

OnProgress = Callable[[Progress], None]

_MEDIA_TYPES = {Compression.GZIP: oci.MEDIA_TYPE_LAYER_GZIP, Compression.ZSTD: oci.MEDIA_TYPE_LAYER_ZSTD}
_TELL_EVERY = 1024 * 1024  # bytes


class Intake:
    """An archive written aside (``staged``, closed) on its way to become a layer.

    Its plain tar is to pass through ``taps``. An archive that OCI knows (gzip, zstd) becomes the layer's blob as it is;
    any other is packed with gzip on the way, which every tool reads (zstd layers cannot go to a Docker, for one).
    """

    def __init__(self, blobs: BlobStore, staged: BlobWriter) -> None:
        self._blobs = blobs
        self._staged = staged
        with open(staged.path, "rb") as file:
            self._compression = Compression.of(file.read(8))
        plain = self._compression is Compression.NONE
        self._diff = None if plain else Sha256()
        self._packer = None if self._compression in _MEDIA_TYPES else _Packer(blobs)

    @property
    def known_diff_id(self) -> str:
        """The digest of the plain tar if that is known before reading it."""
        return "" if self._diff else self._staged.digest

    @property
    def taps(self) -> tuple[Callable[[bytes], object], ...]:
        return tuple(part for part in (self._diff and self._diff.update, self._packer and self._packer.write) if part)

    def diff_id(self) -> str:
        """The digest of the plain tar, once all of it has passed."""
        return self._diff.digest() if self._diff else self._staged.digest

    @property
    def tar_size(self) -> int:
        return self._diff.size if self._diff else self._staged.size

    def keep_blob(self, hold: Callable[[str], None]) -> Descriptor:
        """The layer's blob goes into the store, after ``hold`` was told its digest."""
        if self._packer:
            writer, media_type = self._packer.finish(), oci.MEDIA_TYPE_LAYER_GZIP
        else:
            writer, media_type = self._staged, _MEDIA_TYPES[self._compression]
        hold(writer.digest)
        self._blobs.keep(writer)
        return Descriptor(media_type, writer.digest, writer.size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(Exception):
            if self._diff:
                self._diff.close()
        if self._packer:
            self._packer.discard()


class Watched:
    """A stream that tells how much of it was read."""

    def __init__(self, stream: Readable, progress: OnProgress | None, *, task: str, text: str, total: int) -> None:
        self._stream = stream
        self._progress = progress
        self._task = task
        self._text = text
        self._total = total
        self._done = self._told = 0

    def read(self, size: int, /) -> bytes:
        piece = self._stream.read(size)
        self._done += len(piece)
        if self._progress and (self._done - self._told >= _TELL_EVERY or (not piece and self._done > self._told)):
            self._told = self._done
            self._progress(Progress(self._task, self._text, self._done, self._total))
        return piece

    @classmethod
    def layer(cls, stream: Readable, progress: OnProgress | None, digest: str, total: int) -> Self:
        """For a layer's archive of ``total`` bytes."""
        return cls(stream, progress, task=short(digest), text=f"Unpacking {short(digest)}", total=total)


class _Packer:
    """gzip into a new blob, in a thread."""

    def __init__(self, blobs: BlobStore) -> None:
        self._writer = blobs.writer()
        self._gzip = Gzip()
        self._behind = WriteBehind(self._pack)
        self.write = self._behind.write

    def finish(self) -> BlobWriter:
        self._behind.close()
        self._writer.write(self._gzip.end())
        self._writer.close()
        return self._writer

    def discard(self) -> None:
        """Removes what was packed unless it was kept."""
        with contextlib.suppress(Exception):
            self._behind.close()
        self._writer.discard()

    def _pack(self, piece: bytes | memoryview) -> None:
        if packed := self._gzip.pack(piece):
            self._writer.write(packed)
