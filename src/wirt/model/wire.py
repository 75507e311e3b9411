"""What a request carries beside a spec, and what comes back beside a view: the rest of the REST API's vocabulary."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from wirt.model.guest import ExecSpec, GuestSpec, Resources, RestartPolicy
from wirt.model.image import Progress

__all__ = [
    "AttachOptions",
    "AttachRequest",
    "BootstrapRequest",
    "CommitOptions",
    "ConnectRequest",
    "Created",
    "DisconnectRequest",
    "ExecRequest",
    "ExitStatus",
    "GuestUpdate",
    "Identity",
    "Loaded",
    "LogQuery",
    "PathStat",
    "Problem",
    "Pruned",
    "RunRequest",
    "Updated",
    "Version",
    "WaitCondition",
    "WorkReport",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """The body of every answer that is not a success. ``error``: the class of wirt.errors, in snake_case."""

    error: str
    message: str
    hint: str = ""
    exit_code: int = 125


@dataclass(frozen=True, slots=True)
class Created:
    id: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Updated:
    """What was changed is changed; ``warnings``: what of it has no effect on this host, or not at once."""

    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """The id of what was made: an image ("sha256:...") or a command in a guest."""

    id: str


@dataclass(frozen=True, slots=True)
class ExitStatus:
    exit_code: int


@dataclass(frozen=True, slots=True)
class Version:
    """``api``: the path's first part. ``kernel`` and ``architecture`` as uname(2) has them."""

    version: str
    api: str
    python: str
    kernel: str
    architecture: str


class WaitCondition(enum.StrEnum):
    NOT_RUNNING = "not-running"  # at once where the guest does not run
    NEXT_EXIT = "next-exit"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class AttachOptions:
    """How a client is connected to a guest or a command. ``rows``, ``cols`` 0: the terminal's size is not known.

    ``detach_keys``: as in ``--detach-keys``, "ctrl-p,ctrl-q"; "" is that default.
    ``logs``: what was written before comes first. ``stdin_once``: of an attached guest, the end of this client's input
    is the end of the guest's.
    """

    stdin: bool = False
    stdout: bool = True
    stderr: bool = True
    logs: bool = False
    stdin_once: bool = False
    rows: int = 0
    cols: int = 0
    detach_keys: str = ""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The body of ``POST /v1/guests/run``; all but ``spec`` counts only on an upgraded connection."""

    spec: GuestSpec
    stdin: bool = False
    stdout: bool = True
    stderr: bool = True
    rows: int = 0
    cols: int = 0
    detach_keys: str = ""


@dataclass(frozen=True, slots=True)
class AttachRequest:
    """The body of ``POST /v1/guests/{ref}/attach``. ``start``: start the guest once the client is connected.

    ``stdin_once``: the end of this client's input is the end of the guest's, as with ``run``.
    """

    stdin: bool = False
    stdout: bool = True
    stderr: bool = True
    logs: bool = False
    start: bool = False
    stdin_once: bool = False
    rows: int = 0
    cols: int = 0
    detach_keys: str = ""


@dataclass(frozen=True, slots=True)
class ExecRequest:
    """The body of ``POST /v1/guests/{ref}/exec``. Standard input is connected where ``spec.open_stdin`` says so."""

    spec: ExecSpec
    rows: int = 0
    cols: int = 0
    detach_keys: str = ""


@dataclass(frozen=True, slots=True)
class GuestUpdate(Resources):
    """The body of ``POST /v1/guests/{ref}/update``: what is None (or "") stays as it is."""

    restart: RestartPolicy | None = None


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which part of a log. ``since``, ``until``: Unix seconds, 0 is no bound. ``tail``: last lines, None is all."""

    follow: bool = False
    since: float = 0.0
    until: float = 0.0
    tail: int | None = None
    timestamps: bool = False
    stdout: bool = True
    stderr: bool = True


@dataclass(frozen=True, slots=True)
class PathStat:
    """A path in a guest. ``mode``: st_mode(2), type bits included. ``link_target``: "" for all but symbolic links."""

    name: str
    size: int
    mode: int
    mtime: float
    link_target: str = ""


@dataclass(frozen=True, slots=True)
class CommitOptions:
    """``changes``: lines of a Dockerfile (CMD, ENV, LABEL ...). ``pause``: the guest holds still meanwhile."""

    name: str = ""
    author: str = ""
    message: str = ""
    changes: tuple[str, ...] = ()
    pause: bool = True


@dataclass(frozen=True, slots=True)
class Pruned:
    """Ids or names that went, and the bytes that came free."""

    deleted: tuple[str, ...] = ()
    reclaimed: int = 0


@dataclass(frozen=True, slots=True)
class Loaded:
    """One image out of an archive."""

    id: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BootstrapRequest:
    """``recipe``: "debian:bookworm", "busybox" ...; ``mirror`` "": the host's own Debian mirror."""

    recipe: str
    packages: tuple[str, ...] = ()
    name: str = ""
    mirror: str = ""


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    guest: str
    aliases: tuple[str, ...] = ()
    ip: str = ""


@dataclass(frozen=True, slots=True)
class DisconnectRequest:
    guest: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class WorkReport:
    """One line of a long work's answer (ndjson): only one of progress, a finished image (with its names), error."""

    progress: Progress | None = None
    image: str = ""
    names: tuple[str, ...] = ()
    error: Problem | None = None
