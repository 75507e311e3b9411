"""``--security-opt``, as Docker reads it: "name=value", older scripts "name:value"."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wirt import errors

__all__ = ["SecurityOptions", "parse"]

UNCONFINED = "unconfined"
_DEFAULT_PROFILES = ("", "builtin", "default")


@dataclass(frozen=True, slots=True)
class SecurityOptions:
    """``seccomp``: "" Docker's default, "unconfined", or a profile's path. ``apparmor``: "" the default, or a name.

    ``system_paths``: whether the kernel's files under /proc and /sys are masked or read-only as usual.
    ``notes`` say which options have no effect here.
    """

    seccomp: str = ""
    apparmor: str = ""
    no_new_privileges: bool = False
    system_paths: bool = True
    notes: tuple[str, ...] = ()


def parse(options: tuple[str, ...]) -> SecurityOptions:
    """``InvalidInput`` for what Docker would refuse too."""
    result = SecurityOptions()
    for option in options:
        name, separator, value = option.partition("=" if "=" in option else ":")
        result = _with(result, option, name, value if separator else None)
    return result


def _with(options: SecurityOptions, option: str, name: str, value: str | None) -> SecurityOptions:
    match name, value:
        case "no-new-privileges", None | "true" | "1":
            return replace(options, no_new_privileges=True)
        case "no-new-privileges", "false" | "0":
            return replace(options, no_new_privileges=False)
        case "seccomp", str():
            return replace(options, seccomp="" if value in _DEFAULT_PROFILES else value)
        case "apparmor", str():
            return replace(options, apparmor=value)
        case "systempaths", "unconfined":
            return replace(options, system_paths=False)
        case "label", str():
            note = f"--security-opt {option} has no effect: wirt does not set SELinux labels"
            return replace(options, notes=(*options.notes, note))
    raise errors.InvalidInput(
        f"--security-opt {option}: no such option",
        hint="seccomp=PATH|unconfined, apparmor=PROFILE, no-new-privileges, systempaths=unconfined, label=...",
    )
