"""What the engine needs from the parts below it. They satisfy these without importing them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol

from wirt.errors import StartFailed
from wirt.model.guest import ExecSpec, Guest, GuestSpec, Resources
from wirt.model.host import Finding, Stats, TopView
from wirt.model.launch import Launch, Plan

__all__ = ["Runtime"]


class Runtime(Protocol):
    """A kind of guest. Synchronous and thread-safe; the engine calls what takes long from a thread."""

    @property
    def description(self) -> str:
        """Name and version of what really runs the guests."""

    def probe(self) -> Sequence[Finding]:
        """What ``wirt doctor`` says about this kind here, found by trying."""

    def check(self, spec: GuestSpec) -> tuple[str, ...]:
        """Warnings about what this host will not honour; ``WirtError`` for what cannot be at all."""

    def prepare(self, launch: Launch) -> Plan:
        """Write what the runtime reads into ``launch.bundle`` and say what the keeper shall run."""

    def prepare_exec(self, guest: Guest, spec: ExecSpec, exec_id: str, folder: Path) -> Plan:
        """The same for a further program in a running guest; its files go into ``folder``."""

    def explain(self, text: str) -> StartFailed:
        """What a failed start's own words mean to a person, with Docker's exit code."""

    def pause(self, guest_id: str) -> None: ...
    def resume(self, guest_id: str) -> None: ...
    def update(self, guest_id: str, resources: Resources) -> None: ...

    def kill_all(self, guest_id: str) -> None:
        """SIGKILL to every process of the guest, whatever state its keeper is in."""

    def oom_killed(self, guest_id: str) -> bool:
        """Whether the kernel killed a process of the guest for want of memory. Asked before ``delete``."""

    def delete(self, guest_id: str) -> None:
        """Take away what the runtime holds of an ended guest; nothing to take away is no error."""

    def stats(self, guest: Guest) -> Stats: ...
    def top(self, guest: Guest, arguments: tuple[str, ...]) -> TopView: ...
    def cgroup_path(self, guest_id: str) -> str: ...

    def recover(self, live: Collection[str]) -> None:
        """After a crash: take away guests that are not among ``live``."""
