"""The guest's vDSO and its time page, in every new program's address space (vdso(7))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirt.host import _native
from wirt.sentry.mm import PAGE
from wirt.vmm.vmi.library import library

if TYPE_CHECKING:
    from wirt.sentry.process import Process

__all__ = ["inherit", "place"]

_READ, _READ_EXECUTE = 1, 5


def place(process: Process) -> int:
    """Map both into a fresh address space; the vDSO's address, for AT_SYSINFO_EHDR."""
    mm, code = process.mm, library().vdso
    time_page = mm.place_for(0, PAGE + len(code), 0)
    mm.map_anonymous(time_page, PAGE, _READ, name="[vvar]")
    mm.map_anonymous(time_page + PAGE, len(code), _READ_EXECUTE, name="[vdso]")
    _native.poke(mm.host(time_page + PAGE, len(code)), code)
    process.time_page = time_page
    inherit(process)
    return time_page + PAGE


def inherit(process: Process) -> None:
    """The page tells the time from now on: of a new program, or of a forked process, whose page is a copy."""
    if process.time_page:
        process.clocks.attach(process.mm.host(process.time_page, PAGE))
