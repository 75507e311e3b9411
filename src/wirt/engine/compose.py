"""What a new guest is, from what was asked for and what its image says (docker-run(1), "Overriding image defaults")."""

from __future__ import annotations

import dataclasses

from wirt.errors import InvalidInput
from wirt.model.guest import Endpoint, Guest, GuestSpec, HealthCheck, Mount, MountType, NetworkSettings, PortBinding
from wirt.model.image import ImageConfig
from wirt.model.snapshot import Snapshot

__all__ = ["as_saved", "compose", "effective_mounts", "effective_ports"]

_UNSAVED = (
    "name",
    "hostname",
    "labels",
    "auto_remove",
    "open_stdin",
    "network",
    "ip",
    "mac_address",
    "ports",
    "resources",
    "restart",
)  # what may be another for a guest that goes on from a snapshot

_PROTOCOLS = ("tcp", "udp", "sctp")


def compose(spec: GuestSpec, config: ImageConfig, *, guest_id: str, name: str, image_id: str, now: float) -> Guest:
    """The guest's row at its creation. ``InvalidInput`` when there is nothing to run."""
    argv = _argv(spec, config)
    mode = spec.network
    own_network = mode not in ("host", "none") and not mode.startswith("container:")
    networks = {mode: _requested_endpoint(spec)} if own_network else {}
    if spec.ports and not own_network:
        raise InvalidInput(
            f"ports cannot be published with --network {mode}", hint="leave -p away, or use a bridge network"
        )
    return Guest(
        id=guest_id,
        name=name,
        spec=spec,
        image_id=image_id,
        created=now,
        argv=argv,
        env=_merged_env(config.env, spec.env),
        workdir=spec.workdir or config.workdir or "/",
        user=spec.user or config.user,
        hostname=spec.hostname or guest_id[:12],
        stop_signal=spec.stop_signal or config.stop_signal or "SIGTERM",
        healthcheck=_healthcheck(spec.healthcheck, config.healthcheck),
        labels={**config.labels, **spec.labels},
        network=NetworkSettings(networks=networks, ports=effective_ports(spec, config)),
    )


def as_saved(wanted: GuestSpec, snapshot: Snapshot) -> GuestSpec:
    """What a guest that goes on from a snapshot is like: as the saved one, but for what is asked for.

    Its place on the host is its own: name, host name, addresses, published ports. ``InvalidInput`` for what cannot be
    another.
    """
    plain = GuestSpec(image="")
    asked = {
        field.name: value
        for field in dataclasses.fields(GuestSpec)
        if (value := getattr(wanted, field.name)) != getattr(plain, field.name) and field.name != "snapshot"
    }
    asked.pop("kind", None)
    for name in asked.keys() - set(_UNSAVED):
        flag = name.replace("_", "-")
        raise InvalidInput(f"a guest that goes on from a snapshot is as it was saved: {flag} cannot be another")
    own = {
        "name": "",
        "hostname": "",
        "ip": "",
        "mac_address": "",
        "ports": tuple(dataclasses.replace(port, host_port=0) for port in snapshot.spec.ports),
        "snapshot": wanted.snapshot and snapshot.name,
    }
    return dataclasses.replace(snapshot.spec, **(own | asked))


def _argv(spec: GuestSpec, config: ImageConfig) -> tuple[str, ...]:
    # A given entrypoint also clears the image's command: it was written for the other entrypoint.
    if spec.entrypoint is None:
        argv = config.entrypoint + (spec.command or config.command)
    else:
        argv = spec.entrypoint + spec.command
    if not argv:
        raise InvalidInput(
            f"the image {spec.image} says nothing of what to run", hint="give a command after the image's name"
        )
    return argv


def _merged_env(image: tuple[str, ...], asked: tuple[str, ...]) -> tuple[str, ...]:
    """The later of two assignments counts, at the place of the earlier."""
    merged: dict[str, str] = {}
    for entry in image + asked:
        name, separator, _ = entry.partition("=")
        if not name:
            raise InvalidInput(f"{entry!r} is no environment variable", hint="write NAME=value")
        if separator:
            merged[name] = entry
        else:
            merged.pop(name, None)
    return tuple(merged.values())


def _healthcheck(asked: HealthCheck | None, image: HealthCheck | None) -> HealthCheck | None:
    """What was asked for, gaps filled from the image's; None where there is no check."""
    if asked is not None and asked.test == ("NONE",):
        return None
    if asked is None or image is None:
        check = asked or image
    else:
        filled = {f.name: getattr(asked, f.name) or getattr(image, f.name) for f in dataclasses.fields(HealthCheck)}
        check = HealthCheck(**filled)
    return check if check is not None and check.test and check.test != ("NONE",) else None


def _requested_endpoint(spec: GuestSpec) -> Endpoint:
    return Endpoint(
        network=spec.network,
        network_id="",
        ip_address=spec.ip,
        mac_address=spec.mac_address,
        aliases=spec.network_aliases,
    )


def effective_mounts(spec: GuestSpec, config: ImageConfig) -> tuple[Mount, ...]:
    """The mounts asked for and the image's volumes where nothing else is mounted; parents before what is below them."""
    targets: dict[str, Mount] = {}
    for mount in spec.mounts:
        target = _clean_target(mount.target)
        if target in targets:
            raise InvalidInput(f"two mounts at {target}", hint="give each mount a place of its own")
        targets[target] = dataclasses.replace(mount, target=target)
    for volume in config.volumes:
        target = _clean_target(volume)
        targets.setdefault(target, Mount(MountType.VOLUME, target))
    return tuple(sorted(targets.values(), key=lambda mount: mount.target.count("/")))


def _clean_target(target: str) -> str:
    if not target.startswith("/"):
        raise InvalidInput(f"the mount's target {target!r} is not an absolute path", hint="begin it with /")
    parts = [part for part in target.split("/") if part not in ("", ".")]
    if ".." in parts or not parts:
        raise InvalidInput(f"nothing can be mounted at {target!r}", hint="name a folder below / without '..'")
    return "/" + "/".join(parts)


def effective_ports(spec: GuestSpec, config: ImageConfig) -> tuple[PortBinding, ...]:
    """What was published, and with ``publish_all`` every exposed port that was not, on a port to be chosen."""
    ports = list(spec.ports)
    for port in ports:
        if port.protocol not in _PROTOCOLS or not 0 < port.guest_port < 65536 or not 0 <= port.host_port < 65536:
            raise InvalidInput(
                f"{port.host_port}:{port.guest_port}/{port.protocol} is no port to publish",
                hint="ports are 1 to 65535, protocols tcp and udp",
            )
    if spec.publish_all:
        published = {(port.guest_port, port.protocol) for port in ports}
        for exposed in dict.fromkeys(config.exposed_ports + spec.expose):
            number, _, protocol = exposed.partition("/")
            key = (_port_number(number, exposed), protocol or "tcp")
            if key not in published:
                ports.append(PortBinding(key[0], 0, key[1]))
    return tuple(ports)


def _port_number(text: str, whole: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise InvalidInput(f"{whole!r} is no port", hint="write 80 or 80/udp")
    return int(text)
