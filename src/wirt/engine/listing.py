"""What there is to see of guests: the lines of ``ps`` and the page of ``inspect``."""

from __future__ import annotations

import time
from collections.abc import Callable

from wirt.engine.filters import Filters, keep, matches_label, matches_name
from wirt.engine.health import HealthMonitor
from wirt.engine.registry import Registry
from wirt.errors import InvalidInput
from wirt.model.guest import (
    Guest,
    GuestState,
    GuestSummary,
    GuestView,
    HealthStatus,
    MountType,
    StateView,
)

__all__ = ["Listing", "command_line", "duration_text"]

_UP = (GuestState.STARTING, GuestState.RUNNING, GuestState.PAUSED, GuestState.STOPPING, GuestState.RESTARTING)
# Docker's words for the states people filter by.
_STATE_WORDS = {"stopped": GuestState.EXITED, "dead": GuestState.REMOVING}


class Listing:
    def __init__(
        self, registry: Registry, health: HealthMonitor, image_names: Callable[[str], tuple[str, ...]]
    ) -> None:
        self._registry = registry
        self._health = health
        self._image_names = image_names

    def guests(self, *, show_all: bool, filters: Filters | None, last: int) -> list[Guest]:
        """Newest first. As in Docker, ``last`` and filters for ``status`` and ``exited`` show guests that are down."""
        guests = sorted(self._registry, key=lambda guest: -guest.created)
        guests = [guest for guest in guests if guest.state is not GuestState.REMOVING]
        if last > 0:
            guests = guests[:last]
        elif not show_all and not (filters and ("status" in filters or "exited" in filters)):
            guests = [guest for guest in guests if guest.state in _UP]
        return keep(guests, filters, self._tests(), "guests")

    def _tests(self) -> dict[str, Callable[[Guest, str], bool]]:
        return {
            "id": lambda guest, value: guest.id.startswith(value),
            "name": lambda guest, value: matches_name(guest.name, value.removeprefix("/")),
            "label": lambda guest, value: matches_label(guest.labels, value),
            "status": lambda guest, value: guest.state == _state(value),
            "exited": lambda guest, value: guest.state is GuestState.EXITED and str(guest.exit_code) == value,
            "ancestor": self._descends_from,
            "kind": lambda guest, value: guest.spec.kind == value,
            "network": lambda guest, value: value in _network_names(guest),
            "volume": lambda guest, value: any(value in (m.name, m.destination, m.source) for m in guest.mounts),
            "health": lambda guest, value: self._health.of(guest).status == value,
            "publish": lambda guest, value: any(_port_text(p) == _with_protocol(value) for p in _published(guest)),
            "expose": lambda guest, value: _with_protocol(value) in {_with_protocol(e) for e in guest.spec.expose},
            "before": lambda guest, value: guest.created < self._registry.find(value).created,
            "since": lambda guest, value: guest.created > self._registry.find(value).created,
        }

    def _descends_from(self, guest: Guest, image: str) -> bool:
        names = self._image_names(guest.image_id)
        bare = {name.rsplit("/", 1)[-1] for name in names} | {name.rsplit("/", 1)[-1].split(":")[0] for name in names}
        digest = guest.image_id.removeprefix("sha256:")
        return image in (guest.spec.image, guest.image_id, *names, *bare) or (
            len(image) > 3 and digest.startswith(image)
        )

    def summary(self, guest: Guest) -> GuestSummary:
        return GuestSummary(
            id=guest.id,
            name=guest.name,
            kind=guest.spec.kind,
            image=guest.spec.image,
            image_id=guest.image_id,
            command=command_line(guest.argv),
            created=guest.created,
            state=guest.state,
            status=self.status_text(guest),
            ports=guest.network.ports if guest.state in _UP else (),
            labels=guest.labels,
            mounts=tuple(mount.name or mount.source for mount in guest.mounts if mount.type is not MountType.TMPFS),
            networks=_network_names(guest),
        )

    def status_text(self, guest: Guest) -> str:
        now = time.time()
        match guest.state:
            case GuestState.CREATED:
                return "Created"
            case GuestState.EXITED | GuestState.REMOVING:
                if not guest.finished:
                    return "Exited"
                return f"Exited ({guest.exit_code}) {duration_text(now - guest.finished)} ago"
            case GuestState.RESTARTING:
                return f"Restarting ({guest.exit_code}) {duration_text(now - guest.finished)} ago"
            case GuestState.STARTING:
                return "Starting"
        text = f"Up {duration_text(now - guest.started)}"
        if guest.state is GuestState.PAUSED:
            return f"{text} (Paused)"
        health = self._health.of(guest).status
        if health is HealthStatus.STARTING:
            return f"{text} (health: starting)"
        return text if health is HealthStatus.NONE else f"{text} ({health})"

    def view(self, guest: Guest, *, runtime: str, log_path: str, rootfs_path: str, cgroup_path: str) -> GuestView:
        health = self._health.of(guest)
        return GuestView(
            id=guest.id,
            name=guest.name,
            kind=guest.spec.kind,
            created=guest.created,
            path=guest.argv[0],
            args=guest.argv[1:],
            state=StateView(
                status=guest.state,
                running=guest.state in (GuestState.RUNNING, GuestState.PAUSED, GuestState.STOPPING),
                paused=guest.state is GuestState.PAUSED,
                restarting=guest.state is GuestState.RESTARTING,
                oom_killed=guest.oom_killed,
                dead=guest.state is GuestState.REMOVING,
                pid=guest.pid,
                exit_code=guest.exit_code,
                error=guest.error,
                started_at=guest.started,
                finished_at=guest.finished,
                health=None if health.status is HealthStatus.NONE else health,
            ),
            image=guest.image_id,
            config=guest.spec,
            env=guest.env,
            labels=guest.labels,
            mounts=guest.mounts,
            network_settings=guest.network,
            restart_count=guest.restart_count,
            runtime=runtime,
            log_path=log_path,
            rootfs_path=rootfs_path,
            cgroup_path=cgroup_path,
            keeper_pid=guest.keeper_pid,
        )


def _state(word: str) -> GuestState:
    try:
        return _STATE_WORDS.get(word) or GuestState(word)
    except ValueError as error:
        raise InvalidInput(f"{word!r} is no state of a guest", hint=f"use {', '.join(GuestState)}") from error


def _network_names(guest: Guest) -> tuple[str, ...]:
    return tuple(guest.network.networks) or (guest.spec.network,)


def _published(guest: Guest) -> tuple[tuple[int, str], ...]:
    return tuple((port.guest_port, port.protocol) for port in guest.network.ports)


def _port_text(port: tuple[int, str]) -> str:
    return f"{port[0]}/{port[1]}"


def _with_protocol(text: str) -> str:
    return text if "/" in text else f"{text}/tcp"


def command_line(argv: tuple[str, ...]) -> str:
    return " ".join(argv)


_UNITS = ((60, "second"), (60, "minute"), (24, "hour"), (7, "day"), (4.35, "week"), (12, "month"))


def duration_text(seconds: float) -> str:
    """About how long, in one unit: "3 minutes". Coarse on purpose, as people read it in a table."""
    amount = max(0.0, seconds)
    if amount < 1:
        return "Less than a second"
    for size, unit in _UNITS:
        if amount < size:
            return _counted(int(amount), unit)
        amount /= size
    return _counted(int(amount), "year")


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
