"""What a guest's program gets: environment, labels from files, limits, devices, health check, restart policy."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = [
    "capability", "device", "entrypoint", "environment", "environment_file", "health_command", "label_file", "restart",
    "security_option", "sysctl", "ulimit",
]  # fmt: skip

_LIMITS = (
    "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
    "rttime", "sigpending", "stack",
)  # fmt: skip


def environment(text: str) -> list[str]:
    """``NAME=value``; ``NAME`` alone takes the value from our own environment, or nothing where it has none."""
    name, equals, _ = text.partition("=")
    if not name:
        raise ValueError("a variable needs a name")
    if equals:
        return [text]
    return [f"{name}={os.environ[name]}"] if name in os.environ else []


def environment_file(path: str) -> list[str]:
    """The variables of a file: a line each, as for ``--env``; lines that are empty or begin with # say nothing."""
    found: list[str] = []
    for number, line in _lines(path):
        name = line.partition("=")[0]
        if not name or any(c.isspace() for c in name):
            raise ValueError(f"line {number}: {line!r} is no variable: write NAME=value")
        found += environment(line)
    return found


def label_file(path: str) -> dict[str, str]:
    """The labels of a file, ``name=value`` a line."""
    return {line.partition("=")[0]: line.partition("=")[2] for _, line in _lines(path)}


def entrypoint(text: str) -> list[str]:
    """One program; "" clears the image's."""
    return [text] if text else []


def capability(text: str) -> str:
    """Without CAP_, in capitals."""
    return text.upper().removeprefix("CAP_")


def ulimit(text: str) -> dict[str, Any]:
    """``nofile=1024:2048`` or ``nofile=1024``; -1 or unlimited."""
    name, equals, limits = text.partition("=")
    if not equals or name not in _LIMITS:
        raise ValueError(f"write name=soft[:hard] with a name out of {', '.join(_LIMITS)}")
    soft, colon, hard = limits.partition(":")
    low = _limit(soft)
    high = _limit(hard) if colon else low
    if high != -1 and (low > high or low == -1):
        raise ValueError("the soft limit is above the hard one")
    return {"name": name, "soft": low, "hard": high}


def _limit(text: str) -> int:
    if text in ("-1", "unlimited"):
        return -1
    if not text.isdecimal():
        raise ValueError(f"{text!r} is no limit")
    return int(text)


def device(text: str) -> dict[str, str]:
    """``/dev/host[:/dev/guest][:rwm]``."""
    host, *more = text.split(":")
    permissions = "rwm"
    if more and not more[-1].startswith("/"):
        permissions = more.pop()
    guest = more.pop() if more else host
    if (
        more
        or not host.startswith("/")
        or not guest.startswith("/")
        or not permissions
        or set(permissions) - set("rwm")
    ):
        raise ValueError("write /dev/host[:/dev/guest][:rwm]")
    return {"host_path": host, "guest_path": guest, "permissions": permissions}


def sysctl(text: str) -> dict[str, str]:
    """``net.ipv4.ip_forward=1``."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ValueError("write name=value")
    return {name: value}


def restart(text: str) -> dict[str, Any]:
    """``no``, ``always``, ``unless-stopped``, ``on-failure[:most]``."""
    mode, colon, most = text.partition(":")
    if mode not in ("no", "always", "unless-stopped", "on-failure") or (colon and mode != "on-failure"):
        raise ValueError("write no, always, unless-stopped or on-failure[:times]")
    if colon and not most.isdecimal():
        raise ValueError("after on-failure: comes the number of times")
    return {"mode": mode, "max_retries": int(most) if colon else 0}


def health_command(text: str) -> list[str]:
    """A line for the guest's shell."""
    return ["CMD-SHELL", text] if text else []


def security_option(text: str) -> str:
    """As typed; the profile ``seccomp=FILE`` names is read here, where the user's files are."""
    name, value = text[:8], text[8:]
    if name not in ("seccomp=", "seccomp:") or value in ("unconfined", "builtin") or value.startswith("{"):
        return text
    import json

    try:
        with open(value) as file:
            return "seccomp=" + json.dumps(json.load(file), separators=(",", ":"))
    except OSError as error:
        raise ValueError(f"{value}: {error.strerror}") from None
    except ValueError:
        raise ValueError(f"{value} is not JSON") from None


def _lines(path: str) -> Iterator[tuple[int, str]]:
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().lstrip("\ufeff").splitlines()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
    for number, line in enumerate(lines, 1):
        text = line.lstrip()
        if text and not text.startswith("#"):
            yield number, text
