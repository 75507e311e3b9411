"""The JSON documents of an image, as the OCI image specification has them, and our own view of the configuration.

Decoding checks types and digests, and keeps what a layout's index says about others' artifacts. What does not parse is
CorruptData.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from wirt.errors import CorruptData
from wirt.image.reference import DIGEST
from wirt.model.guest import HealthCheck
from wirt.model.image import ImageConfig

__all__ = [
    "MAX_DOCUMENT",
    "Configuration",
    "Descriptor",
    "Digest",
    "DockerImage",
    "DockerManifest",
    "Document",
    "History",
    "Index",
    "Manifest",
    "Platform",
    "RootFs",
    "decode",
    "encode",
    "from_config",
    "from_time",
    "to_config",
    "to_time",
]

MAX_DOCUMENT = 8 * 1024 * 1024  # bytes; registries stop at 4 MiB

Digest = Annotated[str, Meta(pattern=f"^{DIGEST}$")]
_NANOSECOND = 1_000_000_000


class Platform(Struct, omit_defaults=True):
    """Of a descriptor: what the image runs on."""

    architecture: str
    os: str
    os_version: str = field(default="", name="os.version")
    os_features: list[str] = field(default_factory=list, name="os.features")
    variant: str = ""
    features: list[str] = []


class Descriptor(Struct, omit_defaults=True, rename="camel"):
    """Says what a blob is and how to find it."""

    media_type: str
    digest: Digest
    size: int
    urls: list[str] | None = None
    annotations: dict[str, str] | None = None
    platform: Platform | None = None
    artifact_type: str | None = None
    data: str | None = None


class Index(Struct, omit_defaults=True, rename="camel"):
    """A layout's index.json, or an image for several platforms."""

    manifests: list[Descriptor]
    schema_version: int = field(default=0)
    media_type: str | None = None
    artifact_type: str | None = None
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None


class Manifest(Struct, omit_defaults=True, rename="camel"):
    """An image for one platform: its configuration and its layers, lowest first."""

    config: Descriptor
    layers: list[Descriptor]
    schema_version: int = field(default=0)
    media_type: str | None = None
    artifact_type: str | None = None
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None


class _Nothing(Struct):
    """The ``{}`` behind every port and volume, which JSON needs and nobody reads."""


class _Health(Struct, omit_defaults=True, rename="pascal"):
    """Durations in nanoseconds."""

    test: list[str] | None = None
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class Configuration(Struct, omit_defaults=True, rename="pascal"):
    """What a guest inherits; Docker's Healthcheck, OnBuild and Shell are its extensions of the specification."""

    user: str = ""
    exposed_ports: dict[str, _Nothing] | None = None
    env: list[str] | None = None
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    volumes: dict[str, _Nothing] | None = None
    working_dir: str = ""
    labels: dict[str, str] | None = None
    stop_signal: str = ""
    healthcheck: _Health | None = None
    on_build: list[str] | None = None
    shell: list[str] | None = None


class RootFs(Struct):
    """The digests of the layers' plain tar archives, lowest first."""

    diff_ids: list[Digest]
    type: str = "layers"


class History(Struct, omit_defaults=True):
    created: str = ""
    author: str = ""
    created_by: str = ""
    comment: str = ""
    empty_layer: bool = False


class Document(Struct, omit_defaults=True):
    """An image's configuration blob; its digest is the image's id."""

    architecture: str
    os: str
    rootfs: RootFs
    created: str | None = None
    author: str = ""
    config: Configuration | None = None
    history: list[History] | None = None
    variant: str = ""
    os_version: str = field(default="", name="os.version")
    os_features: list[str] = field(default_factory=list, name="os.features")


class DockerImage(Struct, rename="pascal"):
    """One image of a ``docker save`` archive: names of files in the archive."""

    config: str
    layers: list[str]
    repo_tags: list[str] | None = None


DockerManifest = list[DockerImage]

_D = TypeVar("_D")


def decode(data: bytes, kind: type[_D], what: str) -> _D:
    """``data`` as ``kind``; ``what`` names it in the CorruptData that is raised when it is none."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise CorruptData(f"{what} does not parse: {error}") from error


def encode(document: Index | Manifest | Document | DockerManifest) -> bytes:
    """The same bytes for the same document."""
    return msgspec.json.encode(document, order="deterministic")


def to_config(configuration: Configuration | None) -> ImageConfig:
    """The specification's form as ours."""
    given = configuration or Configuration()
    return ImageConfig(
        user=given.user,
        env=tuple(given.env or ()),
        entrypoint=tuple(given.entrypoint or ()),
        command=tuple(given.cmd or ()),
        workdir=given.working_dir,
        volumes=tuple(sorted(given.volumes or ())),
        exposed_ports=tuple(sorted(given.exposed_ports or ())),
        labels=dict(given.labels or {}),
        stop_signal=given.stop_signal,
        healthcheck=_to_health(given.healthcheck) if given.healthcheck else None,
        shell=tuple(given.shell or ()),
        on_build=tuple(given.on_build or ()),
    )


def from_config(config: ImageConfig) -> Configuration:
    """Our form as the specification's."""
    return Configuration(
        user=config.user,
        exposed_ports={port: _Nothing() for port in config.exposed_ports} or None,
        env=list(config.env) or None,
        entrypoint=list(config.entrypoint) or None,
        cmd=list(config.command) or None,
        volumes={volume: _Nothing() for volume in config.volumes} or None,
        working_dir=config.workdir,
        labels=config.labels or None,
        stop_signal=config.stop_signal,
        healthcheck=_from_health(config.healthcheck) if config.healthcheck else None,
        on_build=list(config.on_build) or None,
        shell=list(config.shell) or None,
    )


def _to_health(given: _Health) -> HealthCheck:
    return HealthCheck(
        test=tuple(given.test or ()),
        interval=given.interval / _NANOSECOND,
        timeout=given.timeout / _NANOSECOND,
        retries=given.retries,
        start_period=given.start_period / _NANOSECOND,
        start_interval=given.start_interval / _NANOSECOND,
    )


def _from_health(check: HealthCheck) -> _Health:
    return _Health(
        test=list(check.test) or None,
        interval=round(check.interval * _NANOSECOND),
        timeout=round(check.timeout * _NANOSECOND),
        start_period=round(check.start_period * _NANOSECOND),
        start_interval=round(check.start_interval * _NANOSECOND),
        retries=check.retries,
    )


def to_time(text: str | None) -> float:
    """RFC 3339 as seconds since 1970; 0.0 for what is missing, before that, or no time at all."""
    try:
        # Nine digits of a second are usual there, and six all that datetime takes.
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text or ""))
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(moment.timestamp(), 0.0)


def from_time(seconds: float | None = None) -> str:
    """Seconds since 1970, or now, as RFC 3339."""
    moment = datetime.fromtimestamp(time.time() if seconds is None else seconds, UTC)
    return moment.isoformat().replace("+00:00", "Z")
