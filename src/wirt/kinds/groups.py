"""The control groups of guests whose processes are the host's: one below a common parent for each guest.

Synchronous and thread-safe: nothing is kept here but names. Operations on one guest must come one at a time.
"""

from __future__ import annotations

import contextlib
import os
import signal

from wirt import errors
from wirt.host import cgroup
from wirt.kinds import stats, top
from wirt.kinds.facts import Facts
from wirt.kinds.signals import signal_number
from wirt.model.guest import Guest
from wirt.model.host import Stats, TopView

__all__ = ["Groups"]

_FREEZE_PATIENCE = 10.0
_DEATH_PATIENCE = 10.0  # seconds for killed processes to be gone: one in the kernel's hands may take its time


class Groups:
    """``parent``: the cgroup that holds all guests' cgroups, in every hierarchy of ``layout``."""

    def __init__(self, parent: str, layout: cgroup.CgroupLayout, facts: Facts) -> None:
        self.parent = "/" + parent.strip("/")
        self.layout = layout
        self._facts = facts

    def path(self, guest_id: str) -> str:
        """Below every hierarchy's mount point."""
        return f"{self.parent}/{guest_id}"

    # -- while it runs ----------------------------------------------------------------------------------------------

    def running(self, guest_id: str) -> str:
        """The cgroup of a guest that has processes; ``Conflict`` for one that has none."""
        path = self.path(guest_id)
        if not cgroup.pids(self.layout, path):
            raise errors.Conflict(f"{guest_id[:12]} is not running")
        return path

    def pause(self, guest_id: str) -> None:
        """Every process stands still when this returns."""
        path = self.running(guest_id)
        try:
            cgroup.freeze(self.layout, path, _FREEZE_PATIENCE)
        except TimeoutError as error:
            raise errors.RuntimeFailure(
                f"{guest_id[:12]} cannot be paused: {error.strerror}",
                hint="a process of it is deep in the kernel: try again",
            ) from error

    def resume(self, guest_id: str) -> None:
        cgroup.thaw(self.layout, self.running(guest_id))

    def kill(self, guest: Guest, signal_name: str, *, everyone: bool = False) -> None:
        """To the guest's first process, or to ``everyone`` in it; ``Conflict`` when it is not running."""
        number = signal_number(signal_name)
        path = self.path(guest.id)
        members = cgroup.pids(self.layout, path)
        if not members or not (everyone or guest.pid in members):
            raise errors.Conflict(f"{guest.name or guest.id[:12]} is not running")
        for pid in members if everyone else (guest.pid,):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if number == signal.SIGKILL:
            cgroup.thaw(self.layout, path)  # with v1 the frozen do not die

    def signal_all(self, guest_id: str, number: int) -> list[int]:
        """A signal to every process there is now; which those are. None is no error."""
        members = self.pids(guest_id)
        for pid in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return members

    def pids(self, guest_id: str) -> list[int]:
        """Every process in the guest, by the host's numbers; not a runtime's own, which v2 may hold for a moment."""
        return cgroup.pids(self.layout, self.path(guest_id), "pids")

    def stats(self, guest: Guest) -> Stats:
        return stats.read(guest, self.path(guest.id), self.layout, self._facts)

    def top(self, guest_id: str, ps_args: str = "") -> TopView:
        return top.view(self.pids(guest_id), ps_args)

    # -- when it has ended ------------------------------------------------------------------------------------------

    def oom_killed(self, guest_id: str) -> bool:
        """Whether the kernel killed a process of the guest for want of memory: ask after the end, before ``delete``."""
        return cgroup.oom_kills(self.layout, self.path(guest_id)) > 0

    def exists(self, guest_id: str) -> bool:
        return cgroup.exists(self.layout, self.path(guest_id))

    def delete(self, guest_id: str, *, force: bool = False) -> None:
        """Take the guest's away. ``Conflict`` when processes are left in it, unless ``force``: then they are killed."""
        path = self.path(guest_id)
        left = cgroup.pids(self.layout, path)
        if left and not force:
            raise errors.Conflict(f"{guest_id[:12]} still runs", hint="stop it first, or force the removal")
        if left:
            cgroup.kill(self.layout, path, _DEATH_PATIENCE)
        try:
            cgroup.remove(self.layout, path, _DEATH_PATIENCE)
        except OSError as error:
            raise errors.RuntimeFailure(f"cgroup {path} cannot be removed: {error.strerror}") from error

    def all(self) -> set[str]:
        """The guests that have one, of every kind."""
        return cgroup.children(self.layout, self.parent)

    def close(self) -> None:
        """Remove the parent, if no guest has a cgroup any more."""
        with contextlib.suppress(OSError):
            if not self.all():
                cgroup.remove(self.layout, self.parent, patience=0.0)
