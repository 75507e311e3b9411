"""/proc/PID/{mounts,mountinfo}: the guest's mounts, without what lies behind them on the host.

Of a file system that is not the guest's own (a volume, a folder of the host's), neither device nor options are told,
which may name paths, servers and users.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wirt.sentry.proc_nodes import looked_at
from wirt.sentry.task import Task

__all__ = ["mountinfo", "mounts"]

_OURS = (b"proc", b"sys")
_GUESTS_OWN = (b"tmpfs", b"devpts", b"mqueue")


@dataclass(frozen=True, slots=True)
class _Mount:
    """A line of proc_pid_mountinfo(5)."""

    number: bytes
    parent: bytes
    device: bytes
    place: bytes
    options: bytes
    tags: bytes
    kind: bytes
    source: bytes
    super_options: bytes


def mounts(task: Task, base: bytes) -> bytes:
    return b"".join(b"%s %s %s %s 0 0\n" % (m.source, m.place, m.kind, _joined(m)) for m in _all(task, base))


def mountinfo(task: Task, base: bytes) -> bytes:
    return b"".join(
        b" ".join((m.number, m.parent, m.device, b"/", m.place, m.options, *m.tags.split(), b"-", m.kind, m.source,
                   m.super_options)) + b"\n"
        for m in _all(task, base)
    )  # fmt: skip


def _joined(mount: _Mount) -> bytes:
    """Options as mounts has them: of the mount, then of the file system."""
    own = mount.options.split(b",")
    return b",".join(dict.fromkeys((*own, *(o for o in mount.super_options.split(b",") if o not in (b"rw", b"ro")))))


def _all(task: Task, base: bytes) -> Iterator[_Mount]:
    root, highest = b"1", 1
    for line in looked_at(task, base + b"/mountinfo").splitlines():
        left, _, right = line.partition(b" - ")
        number, parent, device, _, place, options, *tags = left.split(b" ")
        kind, source, super_options = (*right.split(b" "), b"")[:3]
        highest = max(highest, int(number))
        if place == b"/":
            root = number
        if place.split(b"/")[1] in _OURS:
            continue
        if kind not in _GUESTS_OWN:
            source, super_options = kind, super_options.partition(b",")[0]
        yield _Mount(number, parent, device, place, options, b" ".join(tags), kind, source, super_options)
    if task.process.own_root:
        options = b"rw,nosuid,nodev,noexec,relatime"
        yield _Mount(b"%d" % (highest + 1), root, b"0:21", b"/proc", options, b"", b"proc", b"proc", b"rw")
        read_only = options.replace(b"rw", b"ro")
        yield _Mount(b"%d" % (highest + 2), root, b"0:22", b"/sys", read_only, b"", b"sysfs", b"sysfs", b"ro")
