"""Reading the memory of a guest that stands still, from outside: so it is neither the guest's to pay for nor to fill.

What to read was said by the guest's monitor, so it is believed no further than that it is about its own memory.
"""

from __future__ import annotations

import json
import mmap
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from wirt.errors import Conflict
from wirt.host.failures import explaining
from wirt.host.netns import call_in
from wirt.host.unix_peers import peers
from wirt.micro.opened import open_files
from wirt.micro.saved import GUEST, MEMORY, state_name
from wirt.micro.tmpfs import pack_all
from wirt.sentry.checkpoint.saved import AREA, Piece
from wirt.vmm.layout import ARENA
from wirt.vmm.memory import CAPACITY

__all__ = ["capture"]

_PAGE = 4096
_AT_ONCE = 512  # pages whose entries are read at once
_ENTRY = 8  # bytes of /proc/PID/pagemap for each page (Documentation/admin-guide/mm/pagemap.rst of the kernel)
_THERE = 0b11 << 62  # in memory, or swapped out
_JOIN = 8 * _PAGE  # holes up to this size are read along: pieces cost more
_MOST_AREAS = 1 << 16
_MOST_STATE = 64 << 20  # bytes of what a monitor says of its process
_BUFFER = 4 << 20

Area = tuple[int, int, bool]  # guest-physical address, size, whole


def capture(bases: Mapping[int, int], records: int, folder: Path, most: int) -> int:
    """Write down processes that stand still: ``bases`` says where each, by the host's number, has its guest's memory.

    ``records``: the folder in which each has left what it says of itself. Everything goes to ``folder``
    (``micro.saved``); returns how many bytes of memory that is. ``Conflict`` when a process ends meanwhile, when more
    than ``most`` bytes would have to be copied, or when what a monitor says cannot be.
    """
    with explaining("save the guest"):
        try:
            processes, total = _copy_all(bases, records, folder, most)
            first = next(iter(bases))
            pairs = call_in(f"/proc/{first}/ns/net", peers)
            tmpfs = pack_all(first, folder)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            raise Conflict("the guest has ended") from None
        (folder / GUEST).write_text(json.dumps({"processes": processes, "pairs": pairs, "tmpfs": tmpfs}))
    return total


def _copy_all(bases: Mapping[int, int], records: int, folder: Path, most: int) -> tuple[list[dict[str, Any]], int]:
    numbers = {pid: _guest_number(pid) for pid in bases}
    files = open_files(tuple(bases))
    processes, total = [], 0
    with open(folder / MEMORY, "wb", buffering=0) as out, mmap.mmap(-1, _BUFFER) as buffer:
        for pid, base in sorted(bases.items(), key=lambda each: numbers[each[0]]):
            number = numbers[pid]
            areas = _areas(_said(records, f"{number}.areas", _MOST_AREAS * AREA.size), most - total)
            pieces = _copy(pid, base, areas, out.fileno(), buffer, total, most)
            total += sum(size for _, size, _ in pieces)
            (folder / state_name(number)).write_bytes(_said(records, f"{number}.state", _MOST_STATE))
            processes.append({"pid": number, "pieces": pieces, "files": files[pid]})
    return processes, total


def _guest_number(pid: int) -> int:
    """What a process is called in its own namespace (proc_pid_status(5), NSpid)."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as lines:
        return next(int(line.split()[-1]) for line in lines if line.startswith("NSpid:"))


def _said(records: int, name: str, most: int) -> bytes:
    """What a monitor has written; ``Conflict`` when it is no plain file of a sensible size."""
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=records)
    with open(fd, "rb", buffering=0) as file:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode) or about.st_size > most:
            raise Conflict("there is too much to say of the guest to save it")
        return file.readall()


def _areas(data: bytes, most: int) -> list[Area]:
    if len(data) % AREA.size:
        raise Conflict("the guest's monitor does not say what its memory is")
    areas = [(phys, size, bool(whole)) for phys, size, whole in AREA.iter_unpack(data)]
    areas.sort()
    ends = [0, *(phys + size for phys, size, _ in areas)]
    if any(
        phys % _PAGE or size % _PAGE or not before <= phys <= phys + size <= ARENA + CAPACITY
        for (phys, size, _), before in zip(areas, ends, strict=False)
    ):
        raise Conflict("the guest's monitor says of its memory what cannot be")
    if sum(size for _, size, whole in areas if whole) > most:
        raise Conflict("the guest has more memory mapped than it may have")
    return areas


def _copy(
    pid: int, base: int, areas: Sequence[Area], out: int, buffer: mmap.mmap, offset: int, most: int
) -> list[Piece]:
    pieces: list[Piece] = []
    with (
        open(f"/proc/{pid}/mem", "rb", buffering=0) as memory,
        open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap,
    ):
        files = _files(pid, base)
        for phys, size, whole in areas:
            runs = [(phys, size)] if whole else _runs(pagemap.fileno(), base, phys, size, files)
            for start, length in runs:
                if offset + length > most:
                    raise Conflict("the guest has more memory than it may have")
                _copy_run(memory.fileno(), base + start, length, out, buffer)
                pieces.append((start, length, offset))
                offset += length
    return pieces


def _files(pid: int, base: int) -> list[tuple[int, int]]:
    """Guest-physical ranges that files are mapped over, in order: so is the memory of a clone, until it is written to.

    Their pages hold something whether they were touched or not.
    """
    found = []
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            place, _, _, _, inode = line.split(None, 5)[:5]
            start, end = (int(word, 16) - base for word in place.split("-"))
            if inode != "0" and start >= 0:
                found.append((start, end))
    return found


def _runs(pagemap: int, base: int, phys: int, size: int, files: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What is to be copied of an area: files, and what was touched between them."""
    at, end = phys, phys + size
    for start, stop in files:
        if stop <= at or start >= end:
            continue
        yield from _touched(pagemap, base, at, start - at)
        at = max(at, start)
        yield at, min(stop, end) - at
        at = min(stop, end)
    yield from _touched(pagemap, base, at, end - at)


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
