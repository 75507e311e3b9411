"""Guests as they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from wirt.client.sdk.calls import Calls
from wirt.client.sdk.guest import Guest
from wirt.client.sdk.options import GuestOptions, guest_spec
from wirt.client.transport import path
from wirt.model.snapshot import Snapshot
from wirt.model.wire import Created, RunRequest

__all__ = ["Snapshots"]


class Snapshots:
    """The snapshots of a host; ``Guest.snapshot`` makes them."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list(self) -> Sequence[Snapshot]:
        """Newest first."""
        return self._calls.get(tuple[Snapshot, ...], path("snapshots"))

    def get(self, ref: str) -> Snapshot:
        """By name, id, or the beginning of an id."""
        return self._calls.get(Snapshot, path("snapshots", ref))

    def remove(self, ref: str) -> None:
        self._calls.tell("DELETE", path("snapshots", ref))

    def restore(self, ref: str, **options: Unpack[GuestOptions]) -> Guest:
        """A guest that goes on from there. The options are about its place on the host: name, network, ports ..."""
        spec = guest_spec("", (), {**options, "snapshot": ref})
        created = self._calls.ask(Created, "POST", path("guests", "run"), body=RunRequest(spec))
        return Guest(self._calls, created.id, spec.name, created.warnings)
