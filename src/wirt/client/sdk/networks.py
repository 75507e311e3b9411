"""Networks and volumes: what connects guests, and what outlives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wirt.client.sdk.calls import Calls, Filters, filter_list
from wirt.client.sdk.guest import Guest
from wirt.client.transport import path
from wirt.model.network import Network, NetworkSpec, NetworkView, Volume, VolumeSpec
from wirt.model.wire import ConnectRequest, DisconnectRequest, Pruned

__all__ = ["Networks", "Volumes"]


class Networks:
    """The networks of a host. ``ref``: a name or an id; a guest is named by its handle, name or id."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list(self, filters: Filters | None = None) -> Sequence[Network]:
        return self._calls.get(tuple[Network, ...], path("networks"), {"filter": filter_list(filters)})

    def get(self, ref: str) -> NetworkView:
        """A network and the guests on it."""
        return self._calls.get(NetworkView, path("networks", ref))

    def create(
        self,
        name: str,
        *,
        subnet: str = "",
        gateway: str = "",
        ip_range: str = "",
        internal: bool = False,
        labels: Mapping[str, str] | None = None,
        options: Mapping[str, str] | None = None,
    ) -> Network:
        """Make a bridge whose guests find each other by name. ``internal``: with no way out."""
        spec = NetworkSpec(
            name,
            subnet=subnet,
            gateway=gateway,
            ip_range=ip_range,
            internal=internal,
            labels=dict(labels or {}),
            options=dict(options or {}),
        )
        return self._calls.ask(Network, "POST", path("networks"), body=spec)

    def remove(self, ref: str) -> None:
        self._calls.tell("DELETE", path("networks", ref))

    def connect(self, ref: str, guest: Guest | str, *, aliases: Sequence[str] = (), ip: str = "") -> None:
        """Put a guest on a network, while it runs too."""
        request = ConnectRequest(_ref(guest), tuple(aliases), ip)
        self._calls.tell("POST", path("networks", ref, "connect"), body=request)

    def disconnect(self, ref: str, guest: Guest | str, *, force: bool = False) -> None:
        self._calls.tell("POST", path("networks", ref, "disconnect"), body=DisconnectRequest(_ref(guest), force))

    def prune(self, filters: Filters | None = None) -> Pruned:
        """Remove all that no guest is on."""
        return self._calls.ask(Pruned, "POST", path("networks", "prune"), query={"filter": filter_list(filters)})


class Volumes:
    """The volumes of a host."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list(self, filters: Filters | None = None) -> Sequence[Volume]:
        return self._calls.get(tuple[Volume, ...], path("volumes"), {"filter": filter_list(filters)})

    def get(self, name: str) -> Volume:
        return self._calls.get(Volume, path("volumes", name))

    def create(
        self, name: str = "", *, labels: Mapping[str, str] | None = None, options: Mapping[str, str] | None = None
    ) -> Volume:
        """Make a volume; without a name it is anonymous. ``options``: type, o, device, as in mount(8)."""
        spec = VolumeSpec(name, labels=dict(labels or {}), options=dict(options or {}))
        return self._calls.ask(Volume, "POST", path("volumes"), body=spec)

    def remove(self, name: str, *, force: bool = False) -> None:
        """``force``: one that does not exist is no error."""
        self._calls.tell("DELETE", path("volumes", name), query={"force": force})

    def prune(self, *, all: bool = False, filters: Filters | None = None) -> Pruned:  # noqa: A002
        """Remove the anonymous ones, or (``all``) all, that no guest uses."""
        query = {"all": all, "filter": filter_list(filters)}
        return self._calls.ask(Pruned, "POST", path("volumes", "prune"), query=query)


def _ref(guest: Guest | str) -> str:
    return guest if isinstance(guest, str) else guest.id
