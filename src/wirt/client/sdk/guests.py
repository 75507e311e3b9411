"""The guests of a host: to make and to find."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from wirt.client.sdk.calls import Calls, Filters, filter_list
from wirt.client.sdk.guest import Guest
from wirt.client.sdk.options import Command, GuestOptions, guest_spec
from wirt.client.transport import path
from wirt.model.guest import GuestSummary, GuestView
from wirt.model.wire import Created, Pruned, RunRequest

__all__ = ["Guests"]


class Guests:
    """The guests of a host."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def run(self, image: str, command: Command = (), **options: Unpack[GuestOptions]) -> Guest:
        """Make a guest and start it; it goes on by itself. The options are ``GuestOptions``."""
        request = RunRequest(guest_spec(image, command, options))
        created = self._calls.ask(Created, "POST", path("guests", "run"), body=request)
        return Guest(self._calls, created.id, request.spec.name, created.warnings)

    def create(self, image: str, command: Command = (), **options: Unpack[GuestOptions]) -> Guest:
        """Make a guest without starting it."""
        spec = guest_spec(image, command, options)
        created = self._calls.ask(Created, "POST", path("guests"), body=spec)
        return Guest(self._calls, created.id, spec.name, created.warnings)

    def get(self, ref: str) -> Guest:
        """By name, id, or the beginning of an id."""
        view = self._calls.get(GuestView, path("guests", ref))
        return Guest(self._calls, view.id, view.name)

    def list(self, *, all: bool = False, filters: Filters | None = None) -> Sequence[Guest]:  # noqa: A002
        """Those that run, or all; newest first. ``filters``: {"label": "a=b", "status": ["exited", "paused"]}."""
        return [Guest(self._calls, each.id, each.name) for each in self.summaries(all=all, filters=filters)]

    def summaries(
        self,
        *,
        all: bool = False,  # noqa: A002
        filters: Filters | None = None,
        size: bool = False,
    ) -> Sequence[GuestSummary]:
        """The lines of ``wirt ps``."""
        query = {"all": all, "filter": filter_list(filters), "size": size}
        return self._calls.ask(tuple[GuestSummary, ...], "GET", path("guests"), query=query)

    def prune(self, filters: Filters | None = None) -> Pruned:
        """Remove all that do not run."""
        return self._calls.ask(Pruned, "POST", path("guests", "prune"), query={"filter": filter_list(filters)})
