"""What ``run`` and ``create`` take, in the words of a person, and the ``GuestSpec`` that it means."""

from __future__ import annotations

import dataclasses
import difflib
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict

from wirt.errors import InvalidInput
from wirt.model.guest import (
    Device,
    GuestSpec,
    HealthCheck,
    Kind,
    Mount,
    MountType,
    PortBinding,
    Resources,
    RestartMode,
    RestartPolicy,
    Ulimit,
)
from wirt.model.wire import GuestUpdate

__all__ = ["Command", "GuestOptions", "Limits", "Size", "guest_spec", "guest_update", "parse_size", "words"]

Command = str | Sequence[str]  # a string is split as a shell would split it, and nothing else of a shell happens
Size = int | str  # bytes, or "64m", "1.5g"


class Limits(TypedDict, total=False):
    """What a guest may use, and whether it is started again: all that ``update`` can change."""

    memory: Size
    memory_swap: Size  # memory and swap together; -1: no limit of swap
    memory_reservation: Size
    cpus: float
    cpu_shares: int
    cpuset_cpus: str
    cpuset_mems: str
    pids_limit: int
    restart: str | RestartPolicy  # "always", "on-failure:3"


class GuestOptions(Limits, total=False):
    """The keyword options of a new guest: ``GuestSpec``'s fields in their friendly forms."""

    kind: Kind | str  # container | micro | machine
    name: str
    entrypoint: Command | None  # "" or (): clear the image's
    hostname: str
    domainname: str
    user: str
    group_add: Sequence[str]
    workdir: str
    env: Mapping[str, str] | Sequence[str]
    labels: Mapping[str, str]
    tty: bool
    open_stdin: bool
    volumes: Mapping[str, str]  # {"/on/host": "/in/guest", "volume": "/data:ro"}
    tmpfs: Sequence[str]  # folders in the guest
    mounts: Sequence[Mount]
    volumes_from: Sequence[str]
    read_only: bool
    shm_size: Size
    cap_add: Sequence[str]
    cap_drop: Sequence[str]
    security_opt: Sequence[str]
    privileged: bool
    ulimits: Mapping[str, int | tuple[int, int]]  # {"nofile": 1024} or {"nofile": (soft, hard)}
    devices: Sequence[str | Device]  # "/dev/fuse" or "/dev/sda:/dev/xvda:r"
    sysctls: Mapping[str, str]
    init: bool
    network: str
    network_aliases: Sequence[str]
    ip: str
    mac_address: str
    ports: Mapping[int | str, int | str]  # {8080: 80, "127.0.0.1:5353": "53/udp", 0: 443}: host to guest; 0: any free
    expose: Sequence[str]
    publish_all: bool
    dns: Sequence[str]
    dns_search: Sequence[str]
    dns_options: Sequence[str]
    extra_hosts: Mapping[str, str]  # {"name": "address"}
    snapshot: str
    pid_mode: str
    ipc_mode: str
    uts_mode: str
    stop_signal: str
    stop_timeout: float
    healthcheck: str | HealthCheck  # a line for the guest's shell
    auto_remove: bool


def guest_spec(image: str, command: Command, options: Mapping[str, Any]) -> GuestSpec:
    """``options`` are ``GuestOptions``. ``TypeError`` for a name that is none, as of any function."""
    given = dict(options)
    _check_names(given, GuestOptions)
    limits = _take_limits(given)
    mounts = (
        *given.pop("mounts", ()),
        *(_volume(source, target) for source, target in given.pop("volumes", {}).items()),
        *(Mount(MountType.TMPFS, target) for target in given.pop("tmpfs", ())),
    )
    fields = {name: _FORMS.get(name, _plain)(value) for name, value in given.items()}
    return GuestSpec(image, words(command), mounts=mounts, resources=Resources(**limits), **fields)


def guest_update(limits: Mapping[str, Any]) -> GuestUpdate:
    """``limits`` are ``Limits``."""
    given = dict(limits)
    _check_names(given, Limits)
    restart = given.get("restart")
    return GuestUpdate(**_take_limits(given), restart=None if restart is None else _restart(restart))


def _check_names(given: Mapping[str, Any], options: type) -> None:
    for name in given:
        if name not in options.__annotations__:
            near = difflib.get_close_matches(name, options.__annotations__, n=1)
            raise TypeError(f"there is no option {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))


def _take_limits(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of ``Resources`` out of ``given``; sizes may be in words."""
    limits = {field.name: given.pop(field.name) for field in dataclasses.fields(Resources) if field.name in given}
    sizes = ("memory", "memory_swap", "memory_reservation")
    return {name: parse_size(value) if name in sizes else value for name, value in limits.items()}


def words(command: Command) -> tuple[str, ...]:
    return tuple(shlex.split(command) if isinstance(command, str) else command)


_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def parse_size(size: Size) -> int:
    """Bytes from "64m", "1.5g", "512 KiB"; a number stays as it is."""
    if isinstance(size, int):
        return size
    match = re.fullmatch(r"(-?\d+(?:\.\d+)?) *([bkmgt]?)(?:i?b)?", size.strip().lower())
    if not match:
        raise InvalidInput(f"{size!r} is no size", hint="write bytes, or 64m, 1.5g")
    return int(float(match[1]) * _UNITS[match[2]])


def _restart(policy: str | RestartPolicy) -> RestartPolicy:
    """From "no", "always", "unless-stopped", "on-failure" or "on-failure:3"."""
    if isinstance(policy, RestartPolicy):
        return policy
    mode, _, retries = policy.partition(":")
    try:
        return RestartPolicy(RestartMode(mode), int(retries or 0))
    except ValueError as error:
        hint = f"use {', '.join(RestartMode)} or on-failure:3"
        raise InvalidInput(f"{policy!r} is no restart policy", hint=hint) from error


def _volume(source: str, target: str) -> Mount:
    """A path on the host, made if it is missing, or a volume's name."""
    path, _, mode = target.partition(":")
    if mode not in ("", "ro", "rw"):
        raise InvalidInput(f"{target!r}: a volume is mounted ro or rw, not {mode!r}", hint="use mounts= for the rest")
    bind = source.startswith("/")
    return Mount(MountType.BIND if bind else MountType.VOLUME, path, source, mode == "ro", create_source=bind)


def _port(host: int | str, guest: int | str) -> PortBinding:
    host_ip, _, host_port = str(host).rpartition(":")
    port, _, protocol = str(guest).partition("/")
    if not (host_port.isdecimal() and port.isdecimal()):
        raise InvalidInput(f"{host!r}: {guest!r} is no published port", hint="write {8080: 80} or {8053: '53/udp'}")
    return PortBinding(int(port), int(host_port), protocol or "tcp", host_ip.strip("[]"))


def _ulimit(name: str, limit: int | tuple[int, int]) -> Ulimit:
    soft, hard = limit if isinstance(limit, tuple) else (limit, limit)
    return Ulimit(name, soft, hard)


def _device(device: str | Device) -> Device:
    if isinstance(device, Device):
        return device
    host, _, rest = device.partition(":")
    guest, _, permissions = rest.partition(":")
    return Device(host, guest or host, permissions or "rwm")


def _pairs(values: Mapping[str, str] | Iterable[str], separator: str) -> tuple[str, ...]:
    if isinstance(values, Mapping):
        return tuple(f"{name}{separator}{value}" for name, value in values.items())
    return tuple(values)


def _plain(value: Any) -> Any:
    """Lists as the model has them; a string is not taken for a list of letters."""
    if isinstance(value, Mapping):
        return dict(value)
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else value


_FORMS: dict[str, Any] = {
    "kind": Kind,
    "entrypoint": lambda value: None if value is None else words(value),
    "env": lambda value: _pairs(value, "="),
    "extra_hosts": lambda value: _pairs(value, ":"),
    "shm_size": parse_size,
    "restart": _restart,
    "ports": lambda value: tuple(_port(host, guest) for host, guest in value.items()),
    "ulimits": lambda value: tuple(_ulimit(name, limit) for name, limit in value.items()),
    "devices": lambda value: tuple(_device(each) for each in value),
    "healthcheck": lambda value: HealthCheck(("CMD-SHELL", value)) if isinstance(value, str) else value,
}
