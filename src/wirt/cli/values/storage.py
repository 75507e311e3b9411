"""``-v``, ``--mount`` and ``--tmpfs``: each becomes a mount."""

from __future__ import annotations

import os

from wirt.cli.values.scalars import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["mount", "tmpfs", "volume"]

_PROPAGATION = ("rprivate", "private", "rshared", "shared", "rslave", "slave")
_SWITCHES = {"": True, "true": True, "1": True, "false": False, "0": False}


def volume(text: str) -> dict[str, Any]:
    """``[source:]target[:options]``: a source with a slash or a dot first is a path on the host, else a volume."""
    parts = text.split(":")
    if len(parts) > 3 or not all(parts):
        raise ValueError("write [source:]target[:options]")
    options = parts.pop().split(",") if len(parts) == 3 else []
    source, target = ("", parts[0]) if len(parts) == 1 else parts
    is_path = source.startswith(("/", ".", "~"))
    found: dict[str, Any] = {"type": "bind" if is_path else "volume", "target": _absolute(target)}
    if source:
        found["source"] = os.path.abspath(os.path.expanduser(source)) if is_path else source
    if is_path:
        found["create_source"] = True
    for option in options:
        if option in ("ro", "rw", "readonly"):
            found["read_only"] = option != "rw"
        elif option in _PROPAGATION:
            found["propagation"] = option
        elif option == "nocopy":
            found["no_copy"] = True
        elif option not in ("z", "Z", "cached", "delegated", "consistent"):  # labels and caches of other systems
            raise ValueError(f"{option!r} is no option of a volume: ro, rw, nocopy, rshared ...")
    return found


def tmpfs(text: str) -> dict[str, Any]:
    """``target[:size=64m,mode=1777,...]``."""
    target, _, options = text.partition(":")
    found: dict[str, Any] = {"type": "tmpfs", "target": _absolute(target)}
    others = []
    for option in filter(None, options.split(",")):
        name, _, value = option.partition("=")
        if name == "size":
            found["size"] = size(value)
        elif name == "mode":
            found["mode"] = _octal(value)
        elif option == "ro":
            found["read_only"] = True
        elif option != "rw":
            others.append(option)
    if others:
        found["options"] = others
    return found


def mount(text: str) -> dict[str, Any]:
    """``type=bind|volume|tmpfs,source=...,target=...[,readonly][,...]``."""
    found: dict[str, Any] = {"type": "volume"}
    for part in _fields(text):
        name, equals, value = part.partition("=")
        key = name.strip().lower()
        if key in ("readonly", "ro"):
            found["read_only"] = _switch(key, value if equals else "")
        elif key == "volume-nocopy":
            found["no_copy"] = _switch(key, value if equals else "")
        elif not equals:
            raise ValueError(f"{part!r} is not name=value")
        elif key in _PLAIN:
            found[_PLAIN[key]] = value
        elif key == "tmpfs-size":
            found["size"] = size(value)
        elif key == "tmpfs-mode":
            found["mode"] = _octal(value)
        else:
            raise ValueError(f"{name!r} is no property of a mount")
    return _checked(found)


_PLAIN = {
    "type": "type", "source": "source", "src": "source", "target": "target", "destination": "target", "dst": "target",
    "bind-propagation": "propagation",
}  # fmt: skip
_ONLY = {"propagation": "bind", "no_copy": "volume", "size": "tmpfs", "mode": "tmpfs"}


def _checked(found: dict[str, Any]) -> dict[str, Any]:
    kind = found["type"]
    if kind not in ("bind", "volume", "tmpfs"):
        raise ValueError(f"type is bind, volume or tmpfs, not {kind!r}")
    if "target" not in found:
        raise ValueError("target= is missing")
    found["target"] = _absolute(found["target"])
    for name, owner in _ONLY.items():
        if name in found and kind != owner:
            raise ValueError(f"{name.replace('_', '')} goes with type={owner} only")
    if kind == "bind":
        if not found.get("source"):
            raise ValueError("a bind mount needs source=")
        found["source"] = os.path.abspath(os.path.expanduser(found["source"]))
    elif kind == "tmpfs" and found.get("source"):
        raise ValueError("a tmpfs has no source")
    return found


def _fields(text: str) -> list[str]:
    """The parts between commas; a part in double quotes may have commas of its own, as in CSV."""
    parts, quoted, part = [], False, ""
    for letter in text:
        if letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            parts.append(part)
            part = ""
        else:
            part += letter
    return [*parts, part]


def _absolute(target: str) -> str:
    if not target.startswith("/"):
        raise ValueError(f"the target {target!r} is not an absolute path")
    if os.path.normpath(target) in ("/", "//"):
        raise ValueError("the target cannot be /")
    return target


def _octal(text: str) -> int:
    try:
        return int(text, 8)
    except ValueError:
        raise ValueError(f"{text!r} is no mode: write 1777") from None


def _switch(name: str, value: str) -> bool:
    if value.lower() not in _SWITCHES:
        raise ValueError(f"{name} is true or false")
    return _SWITCHES[value.lower()]
