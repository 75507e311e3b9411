"""The host itself, and the way to all that is on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Unpack

from wirt.client.address import find_address
from wirt.client.sdk.calls import Calls, Filters, filter_list
from wirt.client.sdk.guests import Guests
from wirt.client.sdk.images import Images
from wirt.client.sdk.networks import Networks, Volumes
from wirt.client.sdk.options import Command, GuestOptions, guest_spec
from wirt.client.sdk.sandbox import Sandbox
from wirt.client.sdk.session import OnOutput, RunResult, converse
from wirt.client.sdk.snapshots import Snapshots
from wirt.client.transport import Transport, path
from wirt.model.finding import Finding
from wirt.model.host import DiskUsage, Event, HostInfo
from wirt.model.wire import Pruned, RunRequest, Version

__all__ = ["Client"]


class Client:
    """A host. ``url``: "unix:///path" or "tcp://host:port"; without one $WIRT_HOST, or else this machine.

    On this machine a daemon is started if none runs.
    """

    def __init__(self, url: str = "") -> None:
        self._calls = Calls(Transport(find_address(url)))
        self.guests = Guests(self._calls)
        self.images = Images(self._calls)
        self.networks = Networks(self._calls)
        self.volumes = Volumes(self._calls)
        self.snapshots = Snapshots(self._calls)

    def __repr__(self) -> str:
        return f"<Client {self._calls.transport.address}>"

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to do: no connection is open between calls."""

    def run(
        self,
        image: str,
        command: Command = (),
        *,
        input: str | bytes | None = None,  # noqa: A002 - as subprocess.run calls it
        on_output: OnOutput | None = None,
        **options: Unpack[GuestOptions],
    ) -> RunResult:
        """Run a program in a guest of its own, to its end; the guest is removed then (unless ``auto_remove=False``).

        ``on_output("stdout" | "stderr", bytes)`` is called as output comes. For a guest that goes on by itself see
        ``guests.run``. ``StartFailed`` if there is no such program in the image.
        """
        given: GuestOptions = {"auto_remove": True, "open_stdin": input is not None, **options}
        request = RunRequest(guest_spec(image, command, given), stdin=input is not None)
        return converse(self._calls.upgrade(path("guests", "run"), request), input, on_output)

    def sandbox(
        self,
        image: str,
        *,
        setup: Callable[[], object] | str = "",
        warm: int = 1,
        timeout: float | None = None,
        **options: Unpack[GuestOptions],
    ) -> Sandbox:
        """Where Python callables and programs run, each call in a fresh clone of one micro guest that was set up.

        ``setup``: what every call finds done: a callable, or Python text. ``warm``: clones that wait in advance.
        ``timeout``: seconds for each call. The image needs python3. Without other options a guest has no network.
        """
        return Sandbox(self._calls, image, setup=setup, warm=warm, timeout=timeout, **options)

    def events(
        self, *, since: float = 0.0, until: float | None = None, follow: bool = True, filters: Filters | None = None
    ) -> Iterator[Event]:
        """What happens on the host from now on, or from ``since`` (Unix seconds) on, until ``until`` or for ever."""
        query = {"since": since, "until": until, "follow": follow, "filter": filter_list(filters)}
        return self._calls.lines(Event, "GET", path("events"), query=query)

    def info(self) -> HostInfo:
        """The host and how much of it is in use."""
        return self._calls.get(HostInfo, path("info"))

    def disk_usage(self) -> DiskUsage:
        """What is kept on the host's disk, and how much of it nobody needs. May take a while: every file is counted."""
        return self._calls.get(DiskUsage, path("system", "df"))

    def prune_cache(self) -> Pruned:
        """Remove what was downloaded to make images."""
        return self._calls.ask(Pruned, "POST", path("cache", "prune"))

    def doctor(self) -> Sequence[Finding]:
        """What the host can do, what that means, and how to mend what it cannot."""
        return self._calls.get(tuple[Finding, ...], path("doctor"))

    def version(self) -> Version:
        return self._calls.get(Version, path("version"))
