"""A seccomp profile in Docker's format, and what is left of it for one guest on one host.

Docker's format is the runtime specification's section with conditions: a rule may ask for capabilities the guest has
or has not, for architectures, for a kernel (https://docs.docker.com/engine/security/seccomp/).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from wirt import errors
from wirt.abi.oci_runtime import Seccomp, SyscallArg, SyscallRule

__all__ = ["ALLOW", "ERRNO", "ArchMap", "Condition", "Profile", "ProfileRule", "parse", "resolve"]

ALLOW = "SCMP_ACT_ALLOW"
ERRNO = "SCMP_ACT_ERRNO"

# uname(2)'s machine to the profile's word for it, and to libseccomp's.
_MACHINES = {
    "x86_64": ("amd64", "SCMP_ARCH_X86_64"),
    "i686": ("x86", "SCMP_ARCH_X86"),
    "aarch64": ("arm64", "SCMP_ARCH_AARCH64"),
    "armv7l": ("arm", "SCMP_ARCH_ARM"),
    "ppc64le": ("ppc64le", "SCMP_ARCH_PPC64LE"),
    "s390x": ("s390x", "SCMP_ARCH_S390X"),
    "riscv64": ("riscv64", "SCMP_ARCH_RISCV64"),
    "loongarch64": ("loong64", "SCMP_ARCH_LOONGARCH64"),
}


class _Camel(msgspec.Struct, frozen=True, rename="camel"):
    """Names in a profile are in camel case; what we do not know is passed over."""


class Condition(_Camel, frozen=True):
    """As ``includes``: all of ``caps``, one of ``arches``, at least ``min_kernel``. As ``excludes``: any of them."""

    caps: tuple[str, ...] | None = None
    arches: tuple[str, ...] | None = None
    min_kernel: str = ""


class ArchMap(_Camel, frozen=True):
    architecture: str
    sub_architectures: tuple[str, ...] | None = None


class ProfileRule(_Camel, frozen=True):
    """``name`` is the older form of ``names``."""

    action: str
    names: tuple[str, ...] | None = None
    name: str = ""
    errno_ret: int | None = None
    args: tuple[SyscallArg, ...] | None = None
    includes: Condition | None = None
    excludes: Condition | None = None


class Profile(_Camel, frozen=True):
    default_action: str = ""
    default_errno_ret: int | None = None
    architectures: tuple[str, ...] | None = None
    arch_map: tuple[ArchMap, ...] | None = None
    flags: tuple[str, ...] | None = None
    listener_path: str = ""
    syscalls: tuple[ProfileRule, ...] | None = None


def parse(data: bytes, origin: str) -> Profile:
    """A profile from JSON; ``InvalidInput`` names ``origin`` and what is wrong."""
    try:
        profile = msgspec.json.decode(data, type=Profile)
    except msgspec.DecodeError as error:  # a ValidationError is one
        raise errors.InvalidInput(f"seccomp profile {origin}: {error}") from error
    if profile.architectures and profile.arch_map:
        raise errors.InvalidInput(f"seccomp profile {origin}: it has both architectures and archMap")
    if not profile.default_action and profile.syscalls:
        raise errors.InvalidInput(f"seccomp profile {origin}: it has no defaultAction")
    return profile


def resolve(profile: Profile, caps: frozenset[str], machine: str, kernel: tuple[int, int]) -> Seccomp | None:
    """The rules that apply, as few as possible; ``None`` for a profile that says nothing."""
    if not profile.default_action:
        return None
    word, native = _MACHINES.get(machine, (machine, ""))
    rules = (rule for rule in profile.syscalls or () if _applies(rule, caps, word, kernel))
    return Seccomp(
        default_action=profile.default_action,
        default_errno_ret=profile.default_errno_ret,
        architectures=profile.architectures or _architectures(profile, native),
        flags=profile.flags or (),
        listener_path=profile.listener_path,
        syscalls=tuple(_merged(rules)),
    )


def _architectures(profile: Profile, native: str) -> tuple[str, ...]:
    for entry in profile.arch_map or ():
        if entry.architecture == native:
            return (native, *(entry.sub_architectures or ()))
    return ()


def _applies(rule: ProfileRule, caps: frozenset[str], word: str, kernel: tuple[int, int]) -> bool:
    wants, bars = rule.includes or Condition(), rule.excludes or Condition()
    if word in (bars.arches or ()) or caps.intersection(bars.caps or ()):
        return False
    if bars.min_kernel and kernel >= _version(bars.min_kernel):
        return False
    if wants.arches and word not in wants.arches:
        return False
    return caps.issuperset(wants.caps or ()) and (not wants.min_kernel or kernel >= _version(wants.min_kernel))


def _version(text: str) -> tuple[int, int]:
    try:
        major, minor = text.split(".")[:2]
        return int(major), int(minor)
    except ValueError:
        raise errors.InvalidInput(f'seccomp profile: minKernel "{text}" is no version', hint='like "4.8"') from None


def _merged(rules: Iterator[ProfileRule]) -> Iterator[SyscallRule]:
    """Rules without arguments become one an action: a runtime's work grows with the rules as well as with the names."""
    plain: dict[tuple[str, int | None], dict[str, None]] = {}
    special: list[SyscallRule] = []
    for rule in rules:
        names = rule.names or ((rule.name,) if rule.name else ())
        if rule.args:
            special.append(SyscallRule(names=names, action=rule.action, errno_ret=rule.errno_ret, args=rule.args))
        else:
            plain.setdefault((rule.action, rule.errno_ret), {}).update(dict.fromkeys(names))
    for (action, errno_ret), merged in plain.items():
        yield SyscallRule(names=tuple(merged), action=action, errno_ret=errno_ret)
    yield from special
