"""A guest: what was asked for (``GuestSpec``) and what there is (``Guest``, ``GuestView``)."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

__all__ = [
    "TRANSITIONS",
    "Device",
    "Endpoint",
    "ExecSpec",
    "Guest",
    "GuestSpec",
    "GuestState",
    "GuestSummary",
    "GuestView",
    "Health",
    "HealthCheck",
    "HealthStatus",
    "Kind",
    "Mount",
    "MountPoint",
    "MountType",
    "NetworkSettings",
    "PortBinding",
    "ProbeResult",
    "Resources",
    "RestartMode",
    "RestartPolicy",
    "StateView",
    "Ulimit",
]


class Kind(enum.StrEnum):
    """How a guest is isolated."""

    CONTAINER = "container"
    MICRO = "micro"
    MACHINE = "machine"


class GuestState(enum.StrEnum):
    """``created -> starting -> running <-> paused -> stopping -> exited [-> restarting -> starting]``."""

    CREATED = "created"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    RESTARTING = "restarting"  # exited, and the restart policy will start it again
    EXITED = "exited"
    REMOVING = "removing"


_S = GuestState
TRANSITIONS: dict[GuestState, frozenset[GuestState]] = {
    _S.CREATED: frozenset({_S.STARTING, _S.REMOVING}),
    _S.STARTING: frozenset({_S.RUNNING, _S.EXITED, _S.CREATED}),
    _S.RUNNING: frozenset({_S.PAUSED, _S.STOPPING, _S.EXITED}),
    _S.PAUSED: frozenset({_S.RUNNING, _S.STOPPING, _S.EXITED}),
    _S.STOPPING: frozenset({_S.EXITED}),
    _S.RESTARTING: frozenset({_S.STARTING, _S.EXITED, _S.REMOVING}),
    _S.EXITED: frozenset({_S.STARTING, _S.RESTARTING, _S.REMOVING}),
    _S.REMOVING: frozenset(),
}


class MountType(enum.StrEnum):
    BIND = "bind"
    VOLUME = "volume"
    TMPFS = "tmpfs"


@dataclass(frozen=True, slots=True)
class Mount:
    """One ``-v``, ``--mount`` or ``--tmpfs``.

    ``source``: a host path (bind), a volume's name or "" for an anonymous one (volume), "" (tmpfs).
    ``propagation``: "" for rprivate, else one of the kernel's words (rshared, rslave, shared, ...).
    ``create_source``: make a missing bind source (``-v`` does, ``--mount`` does not).
    ``no_copy``: do not fill a fresh volume from the image's folder.
    ``size``: bytes, tmpfs only; ``mode``: octal permission bits, tmpfs only; ``options``: further tmpfs options.
    """

    type: MountType
    target: str
    source: str = ""
    read_only: bool = False
    propagation: str = ""
    create_source: bool = False
    no_copy: bool = False
    size: int | None = None
    mode: int | None = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PortBinding:
    """One published port. ``host_port`` 0: choose a free one. ``host_ip`` "": every IPv4 address."""

    guest_port: int
    host_port: int = 0
    protocol: str = "tcp"
    host_ip: str = ""


@dataclass(frozen=True, slots=True)
class Ulimit:
    """``name`` as in setrlimit(2), lower case, without RLIMIT_ (nofile, nproc, core ...); -1 is unlimited."""

    name: str
    soft: int
    hard: int


@dataclass(frozen=True, slots=True)
class Device:
    """One ``--device``: ``permissions`` is a subset of "rwm"."""

    host_path: str
    guest_path: str
    permissions: str = "rwm"


@dataclass(frozen=True, slots=True)
class Resources:
    """Limits. ``None`` is the kind's default (containers: no limit). Bytes; shares as in Docker (2..262144)."""

    memory: int | None = None
    memory_swap: int | None = None  # memory plus swap, bytes; -1 unlimited swap
    memory_reservation: int | None = None
    cpus: float | None = None
    cpu_shares: int | None = None
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    pids_limit: int | None = None  # -1 unlimited


class RestartMode(enum.StrEnum):
    NO = "no"
    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    UNLESS_STOPPED = "unless-stopped"


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """``max_retries`` counts for on-failure only; 0 is without end."""

    mode: RestartMode = RestartMode.NO
    max_retries: int = 0


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """``test``: ("CMD", arg, ...) | ("CMD-SHELL", line) | ("NONE",). Durations in seconds; 0 is the default."""

    test: tuple[str, ...] = ()
    interval: float = 0.0  # default 30
    timeout: float = 0.0  # default 30
    retries: int = 0  # default 3
    start_period: float = 0.0
    start_interval: float = 0.0  # default 5


@dataclass(frozen=True, slots=True)
class GuestSpec:
    """What was asked for, before the image's own configuration is merged in."""

    image: str
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None  # None: the image's; (): cleared
    kind: Kind = Kind.CONTAINER
    name: str = ""
    hostname: str = ""
    domainname: str = ""
    user: str = ""
    group_add: tuple[str, ...] = ()
    workdir: str = ""
    env: tuple[str, ...] = ()  # "NAME=value"
    labels: dict[str, str] = field(default_factory=dict)
    tty: bool = False
    open_stdin: bool = False
    mounts: tuple[Mount, ...] = ()
    volumes_from: tuple[str, ...] = ()  # guest reference, optionally ":ro" or ":rw"
    read_only: bool = False
    shm_size: int | None = None
    resources: Resources = field(default_factory=Resources)
    cap_add: tuple[str, ...] = ()  # without CAP_, any case; "ALL"
    cap_drop: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    privileged: bool = False
    ulimits: tuple[Ulimit, ...] = ()
    devices: tuple[Device, ...] = ()
    sysctls: dict[str, str] = field(default_factory=dict)
    init: bool = False
    restart: RestartPolicy = field(default_factory=RestartPolicy)
    network: str = "bridge"  # bridge | host | none | container:REF | NAME
    network_aliases: tuple[str, ...] = ()
    ip: str = ""
    mac_address: str = ""
    ports: tuple[PortBinding, ...] = ()
    expose: tuple[str, ...] = ()  # "80/tcp"
    publish_all: bool = False
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()  # "name:address"
    pid_mode: str = ""  # "" | host | container:REF
    ipc_mode: str = ""
    uts_mode: str = ""
    stop_signal: str = ""
    stop_timeout: float | None = None  # seconds; None: 10
    healthcheck: HealthCheck | None = None
    auto_remove: bool = False
    snapshot: str = ""  # name or id: the guest is one that goes on from there, made as that one was


class HealthStatus(enum.StrEnum):
    NONE = "none"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One run of a health check; ``output`` is its first 4096 bytes."""

    start: float
    end: float
    exit_code: int
    output: str


@dataclass(frozen=True, slots=True)
class Health:
    status: HealthStatus = HealthStatus.NONE
    failing_streak: int = 0
    log: tuple[ProbeResult, ...] = ()  # the last five, oldest first


@dataclass(frozen=True, slots=True)
class MountPoint:
    """A mount as it was made: ``source`` is the path on the host ("" for tmpfs), ``name`` the volume's name."""

    type: MountType
    source: str
    destination: str
    name: str = ""
    read_only: bool = False
    propagation: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A guest's place on one network. Addresses are plain ("10.88.0.2"), prefix lengths apart."""

    network: str  # name
    network_id: str
    ip_address: str = ""
    ip_prefix_len: int = 0
    gateway: str = ""
    mac_address: str = ""
    interface: str = ""  # in the guest
    host_interface: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """``ip_address`` and friends repeat the first network's, as people look there first."""

    ip_address: str = ""
    ip_prefix_len: int = 0
    gateway: str = ""
    mac_address: str = ""
    networks: dict[str, Endpoint] = field(default_factory=dict)
    ports: tuple[PortBinding, ...] = ()  # with the host ports that were chosen


@dataclass(frozen=True, slots=True)
class Guest:
    """One row of the store: a guest with all that was decided when it was made."""

    id: str  # 64 hex digits
    name: str
    spec: GuestSpec
    image_id: str  # "sha256:..." of the image's configuration
    created: float
    state: GuestState = GuestState.CREATED
    # Decided at creation from spec and image:
    argv: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    workdir: str = "/"
    user: str = ""
    hostname: str = ""
    stop_signal: str = "SIGTERM"
    healthcheck: HealthCheck | None = None
    labels: dict[str, str] = field(default_factory=dict)
    mounts: tuple[MountPoint, ...] = ()
    network: NetworkSettings = field(default_factory=NetworkSettings)
    # What happened since:
    pid: int = 0  # of the guest's first process, on the host
    keeper_pid: int = 0
    started: float = 0.0
    finished: float = 0.0
    exit_code: int = 0
    error: str = ""
    oom_killed: bool = False
    restart_count: int = 0
    stopped_by_user: bool = False
    resumes: str = ""  # the folder of a snapshot from which the first start goes on
    own_image: bool = False  # the image was made when another guest was saved, and goes with the last guest that has it


@dataclass(frozen=True, slots=True)
class StateView:
    status: GuestState
    running: bool
    paused: bool
    restarting: bool
    oom_killed: bool
    dead: bool
    pid: int
    exit_code: int
    error: str
    started_at: float
    finished_at: float
    health: Health | None = None


@dataclass(frozen=True, slots=True)
class GuestView:
    """What ``wirt inspect`` shows; laid out as Docker's users expect to find things."""

    id: str
    name: str
    kind: Kind
    created: float
    path: str
    args: tuple[str, ...]
    state: StateView
    image: str  # sha256:...
    config: GuestSpec
    env: tuple[str, ...]
    labels: dict[str, str]
    mounts: tuple[MountPoint, ...]
    network_settings: NetworkSettings
    restart_count: int
    runtime: str
    log_path: str
    rootfs_path: str
    cgroup_path: str
    keeper_pid: int
    size_rw: int | None = None  # bytes written by the guest; only when asked for
    size_root_fs: int | None = None


@dataclass(frozen=True, slots=True)
class GuestSummary:
    """A line of ``wirt ps``."""

    id: str
    name: str
    kind: Kind
    image: str
    image_id: str
    command: str
    created: float
    state: GuestState
    status: str  # "Up 3 minutes (healthy)"
    ports: tuple[PortBinding, ...]
    labels: dict[str, str]
    mounts: tuple[str, ...]
    networks: tuple[str, ...]
    size_rw: int | None = None
    size_root_fs: int | None = None


@dataclass(frozen=True, slots=True)
class ExecSpec:
    """One ``wirt exec``. ``user``, ``workdir`` "": the guest's own.

    ``size``: rows and columns of its terminal when it starts; 0 where nobody knows.
    """

    command: tuple[str, ...]
    env: tuple[str, ...] = ()
    user: str = ""
    workdir: str = ""
    tty: bool = False
    open_stdin: bool = False
    privileged: bool = False
    detach: bool = False
    size: tuple[int, int] = (0, 0)
