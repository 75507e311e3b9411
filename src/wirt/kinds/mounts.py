"""What is mounted in a guest: Docker's default mounts, then what was asked for, in its order."""

from __future__ import annotations

from pathlib import Path

from wirt.abi.oci_runtime import MountEntry
from wirt.kinds.facts import Facts
from wirt.model.guest import MountPoint, MountType
from wirt.model.launch import Launch

__all__ = ["INIT_PATH", "mounts", "root_propagation"]

INIT_PATH = "/sbin/wirt-init"

_SAFE = ("nosuid", "noexec", "nodev")
_SHM_SIZE = 64 << 20

_PROC = MountEntry("/proc", "proc", "proc", _SAFE)
_DEV = MountEntry("/dev", "tmpfs", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k"))
_PTS = MountEntry(
    "/dev/pts", "devpts", "devpts", ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")
)
_SYS = MountEntry("/sys", "sysfs", "sysfs", (*_SAFE, "ro"))
_CGROUP = MountEntry("/sys/fs/cgroup", "cgroup", "cgroup", ("ro", *_SAFE))
_MQUEUE = MountEntry("/dev/mqueue", "mqueue", "mqueue", _SAFE)
_SHM_PATH = "/dev/shm"  # noqa: S108 - a mount point

_DEFAULT = (_PROC, _DEV, _PTS, _SYS, _CGROUP, _MQUEUE)

# A tmpfs option takes its opposite's place (mount(8), FILESYSTEM-INDEPENDENT MOUNT OPTIONS).
_OPPOSITES = {
    name: {name, other}
    for pair in (("exec", "noexec"), ("suid", "nosuid"), ("dev", "nodev"), ("rw", "ro"), ("sync", "async"))
    for name, other in (pair, pair[::-1])
}
_SHARED = ("shared", "rshared")
_SLAVE = ("slave", "rslave")
_LABELS = ("z", "Z")  # SELinux relabelling, which wirt does not do


def mounts(launch: Launch, facts: Facts) -> tuple[MountEntry, ...]:
    """Every mount in order. One that was asked for takes the place of a default one; /dev takes all below it too."""
    spec = launch.guest.spec
    shared = _SHM_PATH if launch.ipc_ns == "host" else launch.shm
    shm = _others_shm(shared) if shared else _own_shm(spec.shm_size or _SHM_SIZE)
    defaults: tuple[MountEntry, ...] = (*_DEFAULT, shm)
    if spec.privileged:
        defaults = tuple(_writable(entry) for entry in defaults)
    taken = {point.destination for point in launch.mounts}
    if taken:
        no_dev = "/dev" in taken
        defaults = tuple(
            entry
            for entry in defaults
            if entry.destination not in taken and not (no_dev and entry.destination.startswith("/dev/"))
        )
    asked = tuple(_entry(point, facts) for point in launch.mounts)
    if launch.init_path:
        asked = (*asked, MountEntry(INIT_PATH, "bind", launch.init_path, ("bind", "ro")))
    return defaults + asked


def root_propagation(points: tuple[MountPoint, ...]) -> str:
    """What the guest's root must be so that mounts can travel as the mounts below it were asked to let them."""
    asked = {point.propagation for point in points}
    if asked.intersection(_SHARED):
        return "shared"
    return "rslave" if asked.intersection(_SLAVE) else ""


def _own_shm(size: int) -> MountEntry:
    return MountEntry(_SHM_PATH, "tmpfs", "shm", (*_SAFE, "mode=1777", f"size={size}"))


def _others_shm(source: str) -> MountEntry:
    return MountEntry(_SHM_PATH, "bind", source, ("rbind", "rprivate"))


def _entry(point: MountPoint, facts: Facts) -> MountEntry:
    if point.type is MountType.TMPFS:
        return MountEntry(point.destination, "tmpfs", "tmpfs", _tmpfs_options(point))
    options = ["bind" if "bind" in point.options else "rbind"]
    if point.read_only:
        # What is mounted below a folder stays writable without "rro", which takes mount_setattr(2). crun opens every
        # target of "rro" as a folder.
        options += ["ro", "rro"] if facts.kernel >= (5, 12) and Path(point.source).is_dir() else ["ro"]
    options.append(point.propagation or "rprivate")
    options += (option for option in point.options if option not in (*_LABELS, "bind", "rbind", "ro", "rw"))
    return MountEntry(point.destination, "bind", point.source, tuple(options))


def _tmpfs_options(point: MountPoint) -> tuple[str, ...]:
    """Docker's defaults, with what was asked for in their place."""
    merged = dict.fromkeys(("noexec", "nosuid", "nodev"))
    for option in (*point.options, *(("ro",) if point.read_only else ())):
        key = option.partition("=")[0]
        for old in [old for old in merged if old in _OPPOSITES.get(option, ()) or old.partition("=")[0] == key]:
            del merged[old]
        merged[option] = None
    return tuple(merged)


def _writable(entry: MountEntry) -> MountEntry:
    options = tuple(option for option in entry.options if option != "ro")
    return MountEntry(entry.destination, entry.type, entry.source, options)
