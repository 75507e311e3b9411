"""What the engine needs from the parts below it. They satisfy these without importing them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from wirt.errors import StartFailed
from wirt.model.finding import Finding
from wirt.model.guest import ExecSpec, Guest, GuestSpec, Resources
from wirt.model.host import Stats, TopView
from wirt.model.launch import Launch, Plan

__all__ = ["Runtime"]


class Runtime(Protocol):
    """A kind of guest. Synchronous and thread-safe; the engine calls what takes long from a thread.

    Operations on one guest come one at a time.
    """

    @property
    def description(self) -> str:
        """Name and version of what really runs the guests."""

    def warm(self) -> None:
        """Do now what the first guest would have to wait for."""

    def probe(self) -> Sequence[Finding]:
        """For ``wirt doctor``."""

    def check(self, wanted: GuestSpec, /) -> tuple[str, ...]:
        """Warnings about what this host will not honour; ``WirtError`` for what cannot be at all."""

    def prepare(self, launch: Launch, /) -> Plan:
        """Write what the runtime reads into ``launch.bundle`` and say what the keeper shall run."""

    def prepare_exec(self, guest: Guest, pid: int, wanted: ExecSpec, exec_id: str, folder: Path, /) -> Plan:
        """The same for a further program in a running guest, whose first process is ``pid``; files go to ``folder``."""

    def explain(self, text: str, command: str = "", /) -> StartFailed:
        """What a failed start's own words mean to a person, with Docker's exit code."""

    def pause(self, guest_id: str, /) -> None: ...
    def resume(self, guest_id: str, /) -> None: ...
    def update(self, guest_id: str, resources: Resources, /) -> tuple[str, ...]: ...

    def kill(self, guest: Guest, signal_name: str, /, *, everyone: bool = False) -> None:
        """From outside, whatever state the guest's keeper is in; ``everyone``: all its processes."""

    def kick(self, guest: Guest, /) -> Sequence[int]:
        """Make every process of a micro guest look at its orders; who they are, by the host's numbers."""

    @property
    def platform(self) -> str:
        """What the virtual processors of its guests are made of; "" for kinds without."""

    def write_down(self, guest: Guest, bases: Mapping[int, int], records: int, folder: Path, /) -> int:
        """Copy a guest that stands still to ``folder``; how many bytes its memory has.

        ``bases``: what its processes have answered to the order ``save``; ``records``: the folder that it came with.
        ``Conflict`` when the guest ends meanwhile, or has said what cannot be.
        """

    def oom_killed(self, guest_id: str, /) -> bool:
        """Whether the kernel killed a process of the guest for want of memory. Asked before ``delete``."""

    def delete(self, guest_id: str, /, *, force: bool = False) -> None:
        """Take away what the runtime holds of a guest, with ``force`` its processes too; nothing there is no error."""

    def stats(self, guest: Guest, /) -> Stats: ...
    def top(self, guest_id: str, ps_args: str = "", /) -> TopView: ...
    def cgroup_path(self, guest_id: str, /) -> str: ...

    def recover(self, live: Collection[str], /) -> Sequence[str]:
        """After a crash: take away guests that are not among ``live``; their ids."""

    def close(self) -> None:
        """The daemon ends; guests may go on."""
