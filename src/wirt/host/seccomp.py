"""libseccomp: rules to a filter program the kernel takes (seccomp_init(3) and its neighbours)."""

from __future__ import annotations

import ctypes
import functools
import os
from dataclasses import dataclass
from types import TracebackType

__all__ = ["Comparison", "Filter", "architecture", "available", "syscall_number"]

_SCMP_FLTATR_CTL_OPTIMIZE = 8
_NR_SCMP_ERROR = -1
_COMPARE = {  # enum scmp_compare
    f"SCMP_CMP_{name}": number for number, name in enumerate(("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"), 1)
}


class _ArgCmp(ctypes.Structure):
    """struct scmp_arg_cmp."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition on an argument; ``op`` is SCMP_CMP_..., ``other`` counts for MASKED_EQ only."""

    index: int
    op: str
    value: int
    other: int = 0


@functools.cache
def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return None
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_arch_resolve_name.restype = ctypes.c_uint32
    return library


def _loaded() -> ctypes.CDLL:
    library = _library()
    if library is None:
        raise OSError("libseccomp.so.2 is not installed")
    return library


def available() -> bool:
    """Whether this host has the library; it has, wherever an OCI runtime comes from a package."""
    return _library() is not None


def architecture(name: str) -> int:
    """The token of "SCMP_ARCH_..."; 0 for one the library does not know."""
    return int(_loaded().seccomp_arch_resolve_name(name.removeprefix("SCMP_ARCH_").lower().encode()))


@functools.cache
def syscall_number(name: str, arch: int = 0) -> int | None:
    """A system call's number, on the native architecture (0) or another; ``None`` when it does not exist.

    Negative numbers are the library's own, for calls that exist on some other architecture only.
    """
    if arch:
        number = _loaded().seccomp_syscall_resolve_name_arch(ctypes.c_uint32(arch), name.encode())
    else:
        number = _loaded().seccomp_syscall_resolve_name(name.encode())
    return None if number == _NR_SCMP_ERROR else int(number)


class Filter:
    """A filter being built; closes what the library holds of it."""

    def __init__(self, default_action: int) -> None:
        self._library = _loaded()
        context = self._library.seccomp_init(ctypes.c_uint32(default_action))
        if not context:
            raise OSError("seccomp_init: no such default action")
        self._context = ctypes.c_void_p(context)

    def __enter__(self) -> Filter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._library.seccomp_release(self._context)

    def add_architecture(self, token: int) -> None:
        """seccomp_arch_add(3); the native one is there from the beginning."""
        if not self._library.seccomp_arch_exist(self._context, ctypes.c_uint32(token)):
            return
        self._checked(self._library.seccomp_arch_add(self._context, ctypes.c_uint32(token)), "seccomp_arch_add")

    def optimize(self, level: int) -> None:
        """seccomp_attr_set(3), SCMP_FLTATR_CTL_OPTIMIZE: 2 searches system calls in a tree instead of a list."""
        self._library.seccomp_attr_set(self._context, _SCMP_FLTATR_CTL_OPTIMIZE, ctypes.c_uint32(level))

    def add_rule(self, action: int, number: int, comparisons: tuple[Comparison, ...] = ()) -> None:
        """seccomp_rule_add_array(3): all ``comparisons`` must hold."""
        array = (_ArgCmp * max(1, len(comparisons)))(
            *(_ArgCmp(one.index, _COMPARE[one.op], one.value, one.other) for one in comparisons)
        )
        self._checked(
            self._library.seccomp_rule_add_array(
                self._context, ctypes.c_uint32(action), number, len(comparisons), array
            ),
            "seccomp_rule_add",
        )

    def export(self) -> bytes:
        """seccomp_export_bpf(3): an array of struct sock_filter."""
        fd = os.memfd_create("seccomp", os.MFD_CLOEXEC)
        try:
            self._checked(self._library.seccomp_export_bpf(self._context, fd), "seccomp_export_bpf")
            return os.pread(fd, os.fstat(fd).st_size, 0)
        finally:
            os.close(fd)

    @staticmethod
    def _checked(result: int, call: str) -> None:
        if result < 0:
            raise OSError(-result, f"{call}: {os.strerror(-result)}")
