"""Where things are kept, and what ``config.toml`` may set."""

from __future__ import annotations

import hashlib
import os
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from wirt.errors import InvalidInput
from wirt.host.folders import config_file, run_folder, socket_path, state_folder

__all__ = ["Listen", "Micro", "Paths", "Settings"]

# A unix socket's path is limited to 107 bytes (unix(7)); the longest of ours below the run folder takes 45.
_LONGEST_RUN_PATH = 60

_DEFAULT_STATE = Path("/var/lib/wirt")

_MICRO_PLATFORM = "WIRT_MICRO_PLATFORM"
_PLATFORMS = ("auto", "kvm", "software")


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders of one instance. ``tag`` is "" for the default one, else tells instances apart on the host."""

    state: Path
    run: Path
    config: Path
    tag: str

    @classmethod
    def from_environment(cls) -> Paths:
        """As ``host.folders`` finds them. ``InvalidInput`` when the run folder is too deep for a socket."""
        state, run = Path(state_folder()).resolve(), Path(run_folder()).resolve()
        if len(os.fsencode(run)) > _LONGEST_RUN_PATH:
            raise InvalidInput(
                f"the run folder's path is too long for unix sockets: {run}",
                hint=f"set WIRT_RUN to a path of at most {_LONGEST_RUN_PATH} bytes",
            )
        tag = "" if state == _DEFAULT_STATE else hashlib.sha256(os.fsencode(state)).hexdigest()[:6]
        return cls(state, run, Path(config_file()), tag)

    @property
    def socket(self) -> Path:
        return Path(socket_path(str(self.run)))

    @property
    def guests(self) -> Path:
        return self.state / "guests"

    def guest(self, guest_id: str) -> Path:
        return self.guests / guest_id

    def guest_run(self, guest_id: str) -> Path:
        """Sockets of one guest; a short name, for the limit above."""
        return self.run / "g" / guest_id[:12]


@dataclass(frozen=True, slots=True)
class Listen:
    """TCP with TLS: ``address`` is "host:port"; ``tokens`` are the sha256 hex digests of the accepted bearer tokens."""

    address: str = ""
    certificate: str = ""
    key: str = ""
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Micro:
    """``platform``: what micro guests' processors are: "kvm", "software" (emulated), or "auto", the best that works."""

    platform: str = "auto"


@dataclass(frozen=True, slots=True)
class Settings:
    """``config.toml``; every key has a default."""

    runtimes: tuple[str, ...] = ("crun", "runc")  # tried in this order
    cgroup_parent: str = "/wirt"
    address_pools: tuple[str, ...] = ()  # CIDR blocks; () is the network package's own choice
    dns: tuple[str, ...] = ()
    log_max_size: int = 10 << 20  # bytes
    log_max_files: int = 5
    listen: Listen = Listen()
    micro: Micro = Micro()

    @classmethod
    def load(cls, path: Path) -> Settings:
        """The file's settings, the defaults when there is none; WIRT_MICRO_PLATFORM overrides what it says.

        ``InvalidInput`` names what is wrong.
        """
        values = _read(path)
        for name, kind in (("listen", Listen), ("micro", Micro)):
            if isinstance(values.get(name), dict):
                values[name] = kind(**_checked(values[name], kind, path, f"{name}."))
        settings = cls(**_checked(values, cls, path, ""))
        _check_platform(settings.micro.platform, f"{path}: micro.platform")
        if forced := os.environ.get(_MICRO_PLATFORM):
            _check_platform(forced, _MICRO_PLATFORM)
            return replace(settings, micro=Micro(forced))
        return settings


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{path}: {error}", hint="see docs/configuration.md") from error


def _check_platform(name: str, where: str) -> None:
    if name not in _PLATFORMS:
        raise InvalidInput(f"{where}: there is no platform {name!r}", hint=f"there are {', '.join(_PLATFORMS)}")


def _checked(values: dict[str, Any], into: type, path: Path, prefix: str) -> dict[str, Any]:
    """Known keys with values of the default's type; lists become tuples."""
    known = {field.name: field.default for field in fields(into)}
    result: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known:
            raise InvalidInput(f"{path}: unknown key {prefix}{key}", hint=f"known are {', '.join(sorted(known))}")
        wanted = type(known[key])
        given = tuple(value) if isinstance(value, list) else value
        if not isinstance(given, wanted) or isinstance(given, bool) != (wanted is bool):
            raise InvalidInput(f"{path}: {prefix}{key} must be a {wanted.__name__}, not {value!r}")
        result[key] = given
    return result
