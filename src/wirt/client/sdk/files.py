"""Files between here and a guest: tar archives made and taken apart as they go, never whole in memory."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from wirt.client.connection import Response
from wirt.errors import CorruptData, InvalidInput, NotFound

__all__ = ["pack", "pack_bytes", "unpack", "unpack_bytes"]

_CHUNK = 256 << 10
_BLOCK = 512  # tar(5)


def pack(source: str | os.PathLike[str], name: str = "") -> Iterator[bytes]:
    """An archive of a file, or of a folder and all below it, called ``name`` (or as it is called here)."""
    path = Path(source)
    if not os.path.lexists(path):
        raise NotFound(f"there is no {path} here")
    root = name or path.absolute().name
    # Only for what it knows of files and of hard links among them; nothing is written to it.
    book = tarfile.TarFile(fileobj=io.BytesIO(), mode="w", format=tarfile.PAX_FORMAT)
    for each in _walk(path):
        inner = root if each == path else f"{root}/{each.relative_to(path)}"
        info = book.gettarinfo(each, inner)
        if info is None:
            continue  # a socket
        yield info.tobuf(tarfile.PAX_FORMAT)
        if info.isreg():
            yield from _content(each, info.size)
    yield bytes(2 * _BLOCK)


def pack_bytes(name: str, data: bytes, mode: int) -> Iterator[bytes]:
    """An archive of one file."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    yield info.tobuf(tarfile.PAX_FORMAT) + data + bytes(-len(data) % _BLOCK + 2 * _BLOCK)


def unpack(archive: Response, folder: str | os.PathLike[str]) -> Path:
    """Take an archive of a file or folder apart in ``folder``; gives where it is now.

    Nothing lands outside of ``folder``, whatever the archive says, and no device nodes are made.
    """
    target = Path(folder)
    if not target.is_dir():
        raise InvalidInput(f"{target} is not a folder", hint="make it first")
    first = ""
    with _opened(archive) as tar:
        for member in tar:
            first = first or member.name.strip("/").split("/")[0]
            tar.extract(member, target, filter="data")
    return target / first


def unpack_bytes(archive: Response) -> bytes:
    """The content of an archive of one file."""
    with _opened(archive) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None:
                return content.read()
    raise InvalidInput("this is not a file", hint="copy a folder with copy_from")


@contextmanager
def _opened(archive: Response) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(fileobj=cast(IO[bytes], archive), mode="r|") as tar:
            yield tar
    except tarfile.TarError as error:
        raise CorruptData(f"the archive cannot be taken apart here: {error}") from error


def _walk(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir() and not path.is_symlink():
        for each in sorted(path.iterdir()):
            yield from _walk(each)


def _content(path: Path, size: int) -> Iterator[bytes]:
    left = size
    with path.open("rb") as file:
        while left and (chunk := file.read(min(left, _CHUNK))):
            left -= len(chunk)
            yield chunk
    yield bytes(left + -size % _BLOCK)  # a file that shrank meanwhile ends in zeros, as tar(1) has it
