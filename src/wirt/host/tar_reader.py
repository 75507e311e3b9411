"""A tar stream as entries: POSIX ustar and pax, GNU long names, GNU sparse files; bounded whatever the stream claims.

Not ``tarfile``, which believes an extension header's size, keeps every member it ever saw, rounds times through floats,
and takes three times as long over a header. Formats: pax(1) of POSIX.1-2017, and the chapters "Basic Tar Format" and
"Storing Sparse Files" of GNU tar's manual.
"""

from __future__ import annotations

import struct
import tarfile
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from wirt.errors import CorruptData, InvalidInput

__all__ = ["BLOCK", "Entry", "Readable", "TarReader", "shown"]

BLOCK = 512
_PIECE = 256 * 1024  # bytes asked of the stream at once: fits the second-level cache
_MAX_EXTENSION = 1024 * 1024  # bytes of one pax or long-name header; Go's archive/tar draws the same line
_MAX_SIZE = 2**63 - 1
_HEADER_ONLY = frozenset(
    (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE)
)
_XATTR = b"SCHILY.xattr."
# name, mode, uid, gid, size, mtime, checksum, type, link, magic and version, (names of owner and group), device, prefix
_header = struct.Struct("100s8s8s8s12s12s8sc100s8s64x8s8s155s12x").unpack
_USTAR = b"ustar\0"  # GNU's own magic has a blank there, and other things where POSIX has the prefix


class Readable(Protocol):
    """A stream: ``read`` gives at most ``size`` bytes, and b"" only at the end."""

    def read(self, size: int, /) -> bytes: ...


class Entry(NamedTuple):
    """One member. ``size``: bytes of data in the stream; ``real_size``: of the file, larger when it is sparse.

    ``type`` is the header's type flag (``tarfile.REGTYPE`` ...); ``mtime`` in nanoseconds since 1970; ``extents``:
    (offset, length) of each run of data in a sparse file, ``None`` for any other.
    """

    name: str
    type: bytes
    size: int
    mode: int
    uid: int
    gid: int
    mtime: int
    link: str = ""
    major: int = 0
    minor: int = 0
    xattrs: dict[str, bytes] = {}  # noqa: RUF012 - nobody changes an entry
    real_size: int = 0
    extents: tuple[tuple[int, int], ...] | None = None


class TarReader:
    """Iterate over it for the entries; ``pieces()`` is the data of the one at hand. One pass, one thread.

    Reads ahead of the last entry; stops at the end marker. Raises CorruptData on anything that is not a tar archive.
    """

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._piece = memoryview(b"")
        self._left = 0  # data bytes of the entry at hand that nobody took yet
        self._padding = 0
        self._name = "the first header"
        self.consumed = 0  # bytes of the archive behind us

    def __iter__(self) -> Iterator[Entry]:
        started = False
        while (block := self._block(started=started)) is not None:
            started = True
            entry = self._decode(block)
            if entry is None:
                continue
            yield entry
            self._skip(self._left + self._padding)

    def pieces(self) -> Iterator[memoryview]:
        """What is left of the entry's data, in views that are good until the next is asked for."""
        while self._left:
            piece = self._take(self._left)
            self._left -= len(piece)
            yield piece

    def read(self, limit: int) -> bytes:
        """The entry's data in one piece; more than ``limit`` bytes raise CorruptData."""
        if self._left > limit:
            raise CorruptData(
                f"archive entry {shown(self._name)} has {self._left} bytes where at most {limit} make sense"
            )
        return b"".join(self.pieces())

    # -- the stream -----------------------------------------------------------------------------------------------

    def _take(self, most: int) -> memoryview:
        """Between 1 and ``most`` bytes."""
        if not self._piece:
            self._piece = memoryview(self._stream.read(_PIECE))
            if not self._piece:
                raise CorruptData(f"the archive ends in the middle of {shown(self._name)}")
        piece, self._piece = self._piece[:most], self._piece[most:]
        self.consumed += len(piece)
        return piece

    def _exactly(self, size: int) -> bytes:
        piece = self._take(size)
        if len(piece) == size:
            return bytes(piece)
        parts = [bytes(piece)]
        size -= len(piece)
        while size:
            parts.append(bytes(self._take(size)))
            size -= len(parts[-1])
        return b"".join(parts)

    def _skip(self, size: int) -> None:
        while size:
            size -= len(self._take(size))
        self._left = self._padding = 0

    def _block(self, *, started: bool) -> bytes | None:
        """The next header, or ``None`` at the end: a zero block, or (as GNU tar and Go accept) the stream's end."""
        if not self._piece:
            self._piece = memoryview(self._stream.read(_PIECE))
            if not self._piece:
                if started:
                    return None
                raise CorruptData("the archive is empty")
        block = self._exactly(BLOCK)
        return block if any(block) else None

    # -- headers --------------------------------------------------------------------------------------------------

    def _decode(self, block: bytes) -> Entry | None:
        """The entry that begins here, after its extension headers; ``None`` when these are followed by nothing."""
        records: dict[bytes, bytes] = {}
        while True:
            entry = self._parse(block)
            if entry.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
                # An empty value takes a record back (POSIX), except that an attribute may well be empty.
                fresh = _pax_records(self._extension(entry))
                records.update((key, value) for key, value in fresh if value or key.startswith(_XATTR))
            elif entry.type == tarfile.GNUTYPE_LONGNAME:
                records[b"path"] = self._extension(entry).rstrip(b"\0")
            elif entry.type == tarfile.GNUTYPE_LONGLINK:
                records[b"linkpath"] = self._extension(entry).rstrip(b"\0")
            elif entry.type in (tarfile.XGLTYPE, b"V"):
                self._extension(entry)  # a global header or volume label: no entry of ours depends on it
            else:
                return self._entry(_extended(entry, records) if records else entry, records, block)
            following = self._block(started=True)
            if following is None:
                return None
            block = following

    def _parse(self, block: bytes) -> Entry:
        """A header as it stands."""
        name, mode, uid, gid, size, mtime, checksum, kind, link, magic, major, minor, prefix = _header(block)
        try:
            _verify(block, checksum)
            path = _string(name)
            if prefix[0] and magic.startswith(_USTAR):
                path = f"{_string(prefix)}/{path}"
            if kind == tarfile.AREGTYPE and path.endswith("/"):
                kind = tarfile.DIRTYPE  # how tars before POSIX had it
            device = (_octal(major), _octal(minor)) if kind in (tarfile.CHRTYPE, tarfile.BLKTYPE) else (0, 0)
            target = _string(link) if link[0] else ""
            numbers = (_octal(size), _octal(mode) & 0o7777, _octal(uid), _octal(gid), _octal(mtime) * 1_000_000_000)
            return Entry(path, kind, *numbers, target, *device)
        except tarfile.HeaderError as error:
            where = self.consumed - BLOCK
            raise CorruptData(f"not a tar archive: no valid header at byte {where} ({error})") from error

    def _extension(self, entry: Entry) -> bytes:
        if not 0 <= entry.size <= _MAX_EXTENSION:
            raise CorruptData(
                f"the archive has an extension header of {entry.size} bytes; {_MAX_EXTENSION} is the most allowed"
            )
        data = self._exactly(entry.size) if entry.size else b""
        self._skip(-entry.size % BLOCK)
        return data

    def _entry(self, entry: Entry, records: dict[bytes, bytes], block: bytes) -> Entry:
        """The entry with its data at hand."""
        self._name = entry.name
        if not 0 <= entry.size <= _MAX_SIZE:
            raise CorruptData(f"archive entry {shown(entry.name)} claims a size of {entry.size} bytes")
        size = 0 if entry.type in _HEADER_ONLY else entry.size
        self._left, self._padding = size, -size % BLOCK
        name = entry.name.rstrip("/") if entry.type == tarfile.DIRTYPE else entry.name
        entry = entry._replace(name=name, size=size, real_size=size)
        if entry.type == tarfile.GNUTYPE_SPARSE:
            return self._old_sparse(entry, block)
        if records and any(key.startswith(b"GNU.sparse.") for key in records):
            return self._pax_sparse(entry, records)
        return entry

    # -- sparse files ---------------------------------------------------------------------------------------------

    def _old_sparse(self, entry: Entry, block: bytes) -> Entry:
        """Type S: four (offset, length) pairs in the header, then blocks of 21 while a flag says so."""
        real_size = _field(block[483:495], entry.name)
        numbers = [_field(block[at : at + 12], entry.name) for at in range(386, 482, 12)]
        more, taken = block[482], 0
        while more:
            taken += BLOCK
            if taken > _MAX_EXTENSION:
                raise CorruptData(f"archive entry {shown(entry.name)} has a map of holes beyond all measure")
            block = self._exactly(BLOCK)
            numbers += [_field(block[at : at + 12], entry.name) for at in range(0, 504, 12)]
            more = block[504]
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        return _sparse(entry, tuple(pair for pair in pairs if pair != (0, 0)), real_size)

    def _pax_sparse(self, entry: Entry, records: dict[bytes, bytes]) -> Entry:
        """Version 1.0 has the map in front of the data, 0.1 in a record."""
        if b"GNU.sparse.name" in records:
            entry = entry._replace(name=_text(records[b"GNU.sparse.name"]))
        name = entry.name
        real_size = _number(records.get(b"GNU.sparse.realsize") or records.get(b"GNU.sparse.size", b"?"), name)
        if records.get(b"GNU.sparse.major") == b"1":
            numbers = self._leading_map(name)
            entry = entry._replace(size=self._left)
        elif b"GNU.sparse.map" in records:
            numbers = [_number(text, name) for text in records[b"GNU.sparse.map"].split(b",")]
        else:
            raise InvalidInput(
                f"archive entry {shown(name)} is a sparse file of the oldest pax kind",
                hint="make the archive again with GNU tar's --sparse-version=1.0, or without --sparse",
            )
        if len(numbers) % 2:
            raise CorruptData(f"archive entry {shown(name)} has a broken map of holes")
        return _sparse(entry, tuple(zip(numbers[::2], numbers[1::2], strict=True)), real_size)

    def _leading_map(self, name: str) -> list[int]:
        """Decimal lines: how many pairs, then the pairs; filled up to whole blocks."""
        data = b""
        wanted = 1
        while data.count(b"\n") < wanted:
            if self._left < BLOCK or len(data) >= _MAX_EXTENSION:
                raise CorruptData(f"archive entry {shown(name)} has a broken map of holes")
            data += self._exactly(BLOCK)
            self._left -= BLOCK
            if b"\n" in data:
                wanted = 1 + 2 * _number(data[: data.index(b"\n")], name)
        return [_number(line, name) for line in data.split(b"\n")[1:wanted]]


def shown(name: str) -> str:
    """An entry's name as it may stand in a message: one line, quoted, of bounded length."""
    return repr(name if len(name) <= 200 else f"{name[:200]}...")


def _sparse(entry: Entry, extents: tuple[tuple[int, int], ...], real_size: int) -> Entry:
    end = 0
    for offset, length in extents:
        if offset < end:
            raise CorruptData(f"archive entry {shown(entry.name)} has a broken map of holes")
        end = offset + length
    if end > real_size or sum(length for _, length in extents) != entry.size or real_size > _MAX_SIZE:
        raise CorruptData(f"archive entry {shown(entry.name)} has a broken map of holes")
    return entry._replace(type=tarfile.REGTYPE, extents=extents, real_size=real_size)


def _extended(entry: Entry, records: dict[bytes, bytes]) -> Entry:
    """The entry with what its extension headers say instead."""
    name = _text(records[b"path"]) if b"path" in records else entry.name
    changes: dict[str, object] = {"name": name}
    if b"linkpath" in records:
        changes["link"] = _text(records[b"linkpath"])
    for key in (b"size", b"uid", b"gid"):
        if key in records:
            changes[key.decode()] = _number(records[key], name)
    if b"mtime" in records:
        changes["mtime"] = _nanoseconds(records[b"mtime"], name)
    changes["xattrs"] = {_text(key[len(_XATTR) :]): value for key, value in records.items() if key.startswith(_XATTR)}
    return entry._replace(**changes)  # type: ignore[arg-type]


def _verify(block: bytes, checksum: bytes) -> None:
    """The sum of all bytes, the checksum's own as if blank; some tars of old summed them as signed."""
    rest = block[:148] + block[156:]
    excess = sum(rest) + 8 * ord(" ") - _octal(checksum)
    if excess and excess != 256 * sum(byte > 127 for byte in rest):
        raise tarfile.HeaderError("bad checksum")


def _pax_records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """``"%d %s=%s\\n"`` over and over; the number counts the whole record. A NUL ends them (some writers pad)."""
    at = 0
    while at < len(data) and data[at]:
        digits, _, _ = data[at : at + 20].partition(b" ")
        length = int(digits) if digits.isdigit() else 0
        record = data[at + len(digits) + 1 : at + length]
        key, equals, value = record[:-1].partition(b"=")
        if not equals or not record.endswith(b"\n"):
            raise CorruptData("the archive has a pax header that does not parse")
        yield key, value
        at += length


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _string(field: bytes) -> str:
    return _text(field.partition(b"\0")[0])


def _number(text: bytes, name: str) -> int:
    if not text.isdigit() or len(text) > 20:
        raise CorruptData(f"archive entry {shown(name)} has {text[:30]!r} where a number belongs")
    return int(text)


def _octal(raw: bytes) -> int:
    """A number of the header itself: octal text, or (GNU) base 256 when the first bit is set."""
    try:
        return int(raw.rstrip(b"\0 ") or b"0", 8)
    except ValueError:
        number: int = tarfile.nti(raw)  # type: ignore[attr-defined]
        return number


def _field(raw: bytes, name: str) -> int:
    """A number in the map of holes."""
    try:
        number = _octal(raw)
    except tarfile.HeaderError:
        number = -1
    if number < 0:
        raise CorruptData(f"archive entry {shown(name)} has a broken map of holes")
    return number


def _nanoseconds(text: bytes, name: str) -> int:
    """A pax time: decimal seconds, maybe negative, maybe with a fraction of any length."""
    whole, _, fraction = text.removeprefix(b"-").partition(b".")
    number = _number(whole, name) * 1_000_000_000 + _number((fraction + b"0" * 9)[:9], name)
    return -number if text.startswith(b"-") else number
