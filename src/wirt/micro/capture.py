"""Reading the memory of a guest that stands still, from outside: so it is neither the guest's to pay for nor to fill.

What to read was said by the guest's monitor, so it is believed no further than that it is about its own memory.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from wirt.errors import Conflict
from wirt.host.failures import explaining
from wirt.micro.saved import MEMORY, PIECES
from wirt.sentry.checkpoint.save import AREA

__all__ = ["capture", "read_areas"]

_PAGE = 4096
_AT_ONCE = 512  # pages whose entries are read at once
_ENTRY = 8  # bytes of /proc/PID/pagemap for each page (Documentation/admin-guide/mm/pagemap.rst of the kernel)
_THERE = 0b11 << 62  # in memory, or swapped out
_JOIN = 8 * _PAGE  # holes up to this size are read along: pieces cost more
_MOST_AREAS = 1 << 16
_BUFFER = 4 << 20

Area = tuple[int, int, bool]  # guest-physical address, size, whole


def read_areas(data: bytes, most: int) -> list[Area]:
    """What a monitor wrote; ``Conflict`` when that is not how it should be, or it is more than ``most`` bytes."""
    if len(data) % AREA.size or len(data) > _MOST_AREAS * AREA.size:
        raise Conflict("the guest's monitor does not say what its memory is")
    areas = [(phys, size, bool(whole)) for phys, size, whole in AREA.iter_unpack(data)]
    if any(phys % _PAGE or size % _PAGE or phys + size > 1 << 46 for phys, size, _ in areas):
        raise Conflict("the guest's monitor says of its memory what cannot be")
    if sum(size for _, size, whole in areas if whole) > most:
        raise Conflict("the guest has more memory mapped than it may have")
    return sorted(areas)


def capture(pid: int, base: int, areas: Sequence[Area], folder: Path, most: int) -> int:
    """Copy the memory of process ``pid`` to ``folder``; how many bytes that is. ``base``: where it has address 0.

    ``Conflict`` when the process ends meanwhile, or holds more than ``most`` bytes.
    """
    with explaining("save the guest's memory"):
        try:
            pieces = _copy(pid, base, areas, folder / MEMORY, most)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            raise Conflict("the guest has ended") from None
        (folder / PIECES).write_text(json.dumps(pieces))
    return sum(size for _, size in pieces)


def _copy(pid: int, base: int, areas: Sequence[Area], target: Path, most: int) -> list[tuple[int, int]]:
    pieces: list[tuple[int, int]] = []
    total = 0
    with (
        open(f"/proc/{pid}/mem", "rb", buffering=0) as memory,
        open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap,
        open(target, "wb", buffering=0) as out,
        mmap.mmap(-1, _BUFFER) as buffer,
    ):
        for phys, size, whole in areas:
            runs = [(phys, size)] if whole else list(_touched(pagemap.fileno(), base, phys, size))
            for start, length in runs:
                if (total := total + length) > most:
                    raise Conflict("the guest has more memory than it may have")
                _copy_run(memory.fileno(), base + start, length, out.fileno(), buffer)
                pieces.append((start, length))
    return pieces


def _touched(pagemap: int, base: int, phys: int, size: int) -> Iterator[tuple[int, int]]:
    """Runs of pages that are there, with small holes between them."""
    start = end = -1
    for at in range(phys, phys + size, _AT_ONCE * _PAGE):
        count = min(_AT_ONCE, (phys + size - at) // _PAGE)
        entries = os.pread(pagemap, count * _ENTRY, (base + at) // _PAGE * _ENTRY)
        if not any(entries):
            continue
        for index, entry in enumerate(memoryview(entries).cast("Q")):
            if not entry & _THERE:
                continue
            page = at + index * _PAGE
            if start < 0:
                start = page
            elif page - end > _JOIN:
                yield start, end - start
                start = page
            end = page + _PAGE
    if start >= 0:
        yield start, end - start


def _copy_run(memory: int, address: int, size: int, out: int, buffer: mmap.mmap) -> None:
    """Pages that cannot be read (a file is shorter than its mapping) are zeroes."""
    view = memoryview(buffer)
    while size:
        wanted = min(size, _BUFFER)
        try:
            got = os.preadv(memory, [view[:wanted]], address)
        except OSError:
            got = 0
        if not got:
            wanted = got = _PAGE
            view[:_PAGE] = bytes(_PAGE)
        written = 0
        while written < got:
            written += os.write(out, view[written:got])
        address, size = address + got, size - got
