"""``--change``: lines of a Dockerfile that change an image's configuration (``wirt import``, ``wirt commit``).

The instructions and their forms are those of the Dockerfile reference; only what needs no build is taken.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from wirt.errors import InvalidInput
from wirt.image.words import expand, split
from wirt.model.guest import HealthCheck
from wirt.model.image import ImageConfig

__all__ = ["apply_changes"]

_SHELL = ("/bin/sh", "-c")
_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?", re.IGNORECASE | re.ASCII)
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ns|us|ms|s|m|h))+", re.ASCII)
_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_HEALTH_OPTION = re.compile(r"--([a-z-]+)=(\S+)\s*", re.ASCII)


def apply_changes(config: ImageConfig, changes: Sequence[str]) -> ImageConfig:
    """``config`` after each of ``changes`` ("USER 1000", "ENV A=b"). InvalidInput names the line that is wrong."""
    command_set = False
    for line in changes:
        instruction, *others = line.split(maxsplit=1) or [""]
        name, rest = instruction.upper(), "".join(others).strip()
        apply = _INSTRUCTIONS.get(name)
        if apply is None:
            raise InvalidInput(
                f"{line!r} is no change to an image's configuration",
                hint=f"begin it with {', '.join(sorted(_INSTRUCTIONS))}",
            )
        if not rest:
            raise InvalidInput(f"{line!r} says {name} and not what")
        config = apply(config, rest)
        command_set |= name == "CMD"
        if name == "ENTRYPOINT" and not command_set:
            config = replace(config, command=())  # the old command was meant for the old entry point
    return config


def _cmd(config: ImageConfig, rest: str) -> ImageConfig:
    return replace(config, command=_command(config, rest))


def _entrypoint(config: ImageConfig, rest: str) -> ImageConfig:
    return replace(config, entrypoint=_command(config, rest))


def _env(config: ImageConfig, rest: str) -> ImageConfig:
    env = list(config.env)
    for key, value in _pairs(config, rest, "ENV"):
        line = f"{key}={value}"
        for place, old in enumerate(env):
            if old.partition("=")[0] == key:
                env[place] = line
                break
        else:
            env.append(line)
    return replace(config, env=tuple(env))


def _label(config: ImageConfig, rest: str) -> ImageConfig:
    return replace(config, labels={**config.labels, **dict(_pairs(config, rest, "LABEL"))})


def _user(config: ImageConfig, rest: str) -> ImageConfig:
    return replace(config, user=_word(config, rest))


def _workdir(config: ImageConfig, rest: str) -> ImageConfig:
    path = posixpath.normpath(posixpath.join(config.workdir or "/", _word(config, rest)))
    return replace(config, workdir="/" + path.lstrip("/"))


def _expose(config: ImageConfig, rest: str) -> ImageConfig:
    ports = dict.fromkeys(config.exposed_ports)
    for word in split(rest, _variables(config)):
        match = _PORTS.fullmatch(word)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if match is None or not 1 <= first <= last <= 65535:
            raise InvalidInput(f"EXPOSE {word!r} is no port", hint="write 80, 53/udp or 8000-8010/tcp")
        ports |= dict.fromkeys(f"{port}/{(match[3] or 'tcp').lower()}" for port in range(first, last + 1))
    return replace(config, exposed_ports=tuple(ports))


def _volume(config: ImageConfig, rest: str) -> ImageConfig:
    paths = _json_words(rest) or split(rest, _variables(config))
    if not all(paths):
        raise InvalidInput(f"VOLUME {rest!r} has an empty path")
    return replace(config, volumes=tuple(dict.fromkeys((*config.volumes, *paths))))


def _stopsignal(config: ImageConfig, rest: str) -> ImageConfig:
    return replace(config, stop_signal=_word(config, rest))


def _shell(config: ImageConfig, rest: str) -> ImageConfig:
    words = _json_words(rest)
    if not words:
        raise InvalidInput(f"SHELL {rest!r} is no list", hint='write SHELL ["/bin/bash", "-c"]')
    return replace(config, shell=tuple(words))


def _onbuild(config: ImageConfig, rest: str) -> ImageConfig:
    if rest.partition(" ")[0].upper() in ("ONBUILD", "FROM", "MAINTAINER"):
        raise InvalidInput(f"ONBUILD cannot hold {rest!r}")
    return replace(config, on_build=(*config.on_build, rest))


def _healthcheck(config: ImageConfig, rest: str) -> ImageConfig:
    options: dict[str, Any] = {}
    while match := _HEALTH_OPTION.match(rest):
        options |= _health_option(match[1], match[2])
        rest = rest[match.end() :]
    kind, _, command = rest.partition(" ")
    if kind.upper() == "NONE" and not command and not options:
        return replace(config, healthcheck=HealthCheck(("NONE",)))
    command = command.strip()
    if kind.upper() != "CMD" or not command:
        raise InvalidInput(f"HEALTHCHECK {rest!r} is neither CMD nor NONE", hint="write HEALTHCHECK CMD command")
    words = _json_words(command)
    test = ("CMD", *words) if words is not None else ("CMD-SHELL", command)
    return replace(config, healthcheck=HealthCheck(test, **options))


def _health_option(name: str, text: str) -> dict[str, float | int]:
    if name == "retries" and text.isascii() and text.isdigit():
        return {"retries": int(text)}
    if name in ("interval", "timeout", "start-period", "start-interval") and _DURATION.fullmatch(text):
        parts = re.findall(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)", text)
        return {name.replace("-", "_"): sum(float(number) * _SECONDS[unit] for number, unit in parts)}
    raise InvalidInput(
        f"HEALTHCHECK has no option --{name}={text}",
        hint="--interval, --timeout, --start-period, --start-interval take 30s or 1m30s, --retries a number",
    )


_INSTRUCTIONS: dict[str, Callable[[ImageConfig, str], ImageConfig]] = {
    "CMD": _cmd,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _label,
    "ONBUILD": _onbuild,
    "SHELL": _shell,
    "STOPSIGNAL": _stopsignal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}


def _command(config: ImageConfig, rest: str) -> tuple[str, ...]:
    """A JSON list is run as it is; anything else by the shell."""
    words = _json_words(rest)
    return tuple(words) if words is not None else (*(config.shell or _SHELL), rest)


def _json_words(rest: str) -> list[str] | None:
    if not rest.startswith("["):
        return None
    try:
        return msgspec.json.decode(rest, type=list[str])
    except msgspec.DecodeError:
        return None  # as Docker: what is no list is a line for the shell


def _pairs(config: ImageConfig, rest: str, name: str) -> Iterable[tuple[str, str]]:
    """``KEY=value KEY=value``, or the old ``KEY a value with blanks``."""
    env = _variables(config)
    first, _, others = rest.partition(" ")
    if "=" not in first:
        if not others.strip():
            raise InvalidInput(f"{name} {rest!r} has no value", hint=f"write {name} KEY=value")
        return [(expand(first, env), expand(others.strip(), env))]
    pairs = [word.partition("=") for word in split(rest, env)]
    for key, equals, _ in pairs:
        if not key or not equals:
            raise InvalidInput(f"{name} {rest!r} has a word that is no KEY=value", hint="quote values with blanks")
    return [(key, value) for key, _, value in pairs]


def _word(config: ImageConfig, rest: str) -> str:
    return expand(rest, _variables(config))


def _variables(config: ImageConfig) -> dict[str, str]:
    return dict(line.partition("=")[::2] for line in config.env)
