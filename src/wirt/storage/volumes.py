"""Volumes: folders that outlive guests, kept as ``<root>/<name>/_data`` with a record beside.

A volume appears and disappears by one rename, so that there is never half a volume: what a killed daemon left starts
with a dot, and ``recover`` sweeps it. A volume with mount options (driver "local": type, o, device) is mounted on its
``_data`` while a guest uses it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import tempfile
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from wirt.errors import Conflict, CorruptData, InvalidInput, NotFound
from wirt.host import mount
from wirt.host.failures import explained
from wirt.host.files import sync_folder, write_atomic
from wirt.host.openat2 import open_in_root
from wirt.host.tarfs import pack, unpack
from wirt.host.trees import remove_tree, tree_size
from wirt.model.network import Volume, VolumeSpec
from wirt.storage.mounting import mount_device, validate

__all__ = ["Volumes"]

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}")
_RECORD = "volume.json"
_DATA = "_data"
_FILLING = ".filling"


@dataclass(frozen=True, slots=True)
class _Record:
    """What is kept beside the data."""

    driver: str
    created: float
    anonymous: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)


class Volumes:
    """The volumes below ``root``. Whoever uses one says so with ``use`` and ``release``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._table = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._holders: dict[str, set[str]] = {}

    # -- the verbs -----------------------------------------------------------------------------------------------------

    def create(self, spec: VolumeSpec) -> Volume:
        """A new volume; one of that name is returned as it is, if it was made with the same options or none are asked.

        Without a name: anonymous. Raises InvalidInput, Conflict for other options.
        """
        if spec.driver != "local":
            raise InvalidInput(f"there is no volume driver {spec.driver!r}", hint="the driver is local")
        if spec.name and not _NAME.fullmatch(spec.name):
            hint = "use two or more of a-z A-Z 0-9 _ . - and begin with a letter or digit"
            raise InvalidInput(f"{spec.name!r} is not a name for a volume", hint=hint)
        validate(spec.options)
        name = spec.name or secrets.token_hex(32)
        if not (self._root / name).exists():
            record = _Record("local", time.time(), not spec.name, dict(spec.labels), dict(spec.options))
            with contextlib.suppress(FileExistsError):
                self._make(name, record)
        volume = self.get(name)
        if spec.options and spec.options != volume.options:
            raise Conflict(f"volume {name} exists with other options", hint="choose another name, or remove it first")
        return volume

    def get(self, name: str) -> Volume:
        """Raises NotFound."""
        path = self._root / name / _RECORD
        try:
            record = msgspec.json.decode(path.read_bytes(), type=_Record) if _NAME.fullmatch(name) else None
        except FileNotFoundError:
            record = None
        except msgspec.DecodeError as error:
            raise CorruptData(
                f"the record {path} does not parse: {error}", hint="mend it, or delete its folder"
            ) from error
        if record is None:
            raise NotFound(f"there is no volume {name}", hint="wirt volume ls")
        mountpoint = os.fspath(self._root / name / _DATA)
        return Volume(name, record.driver, mountpoint, record.created, record.anonymous, record.labels, record.options)

    def list(self) -> list[Volume]:
        """By name."""
        found = []
        for name in sorted(entry.name for entry in os.scandir(self._root) if not entry.name.startswith(".")):
            with contextlib.suppress(NotFound):  # removed meanwhile
                found.append(self.get(name))
        return found

    def is_anonymous(self, name: str) -> bool:
        """False as well where there is no such volume."""
        try:
            return self.get(name).anonymous
        except NotFound:
            return False

    def remove(self, name: str, *, in_use: Mapping[str, str]) -> int:
        """Delete a volume and all its data; returns the bytes that come free.

        ``in_use``: volume name -> the name of a guest that has it, for one that does not run counts too.
        Raises NotFound, Conflict.
        """
        with self._locked(name):
            volume = self.get(name)
            holder = in_use.get(name) or next(iter(self._holders.get(name, ())), "")
            if holder:
                raise Conflict(
                    f"volume {name} is in use by guest {holder}", hint=f"remove the guest first: wirt rm {holder}"
                )
            self._unmount(volume)
            size = tree_size(Path(volume.mountpoint))
            doomed = self._aside("gone")
            (self._root / name).rename(doomed)
            with self._table:
                self._locks.pop(name, None)
        remove_tree(doomed)
        return size

    # -- for guests ----------------------------------------------------------------------------------------------------

    def use(self, name: str, holder: str, *, rootfs: Path | None = None, target: str = "", copy: bool = True) -> Path:
        """``holder`` (a guest's id) starts to use the volume: its folder, mounted if need be.

        With ``copy``, an empty volume first gets what ``rootfs`` has at ``target``, owners and all.
        """
        with self._locked(name):
            volume = self.get(name)
            data = Path(volume.mountpoint)
            holders = self._holders.setdefault(name, set())
            alone = not holders - {holder}
            try:
                if volume.options and not mount.is_mounted(volume.mountpoint):
                    mount_device(volume.options, volume.mountpoint)
                if copy and rootfs and _is_empty(data):
                    with _folder_in(rootfs, target) as source:
                        if source:
                            self._fill(data, source, at_once=alone and not volume.options)
            except BaseException:
                if alone:
                    self._unmount(volume)
                raise
            holders.add(holder)
            return data

    def release(self, name: str, holder: str) -> None:
        """``holder`` is done with the volume. Neither the volume nor the use need exist."""
        with self._locked(name), contextlib.suppress(NotFound):
            holders = self._holders.get(name, set())
            holders.discard(holder)
            if not holders:
                self._holders.pop(name, None)
                self._unmount(self.get(name))

    def recover(self, held: Mapping[str, Collection[str]]) -> None:
        """Once, at the start: sweep what a killed daemon left half-made, and take over what running guests hold.

        ``held``: volume name -> the ids of guests that run and use it.
        """
        self._holders = {name: set(holders) for name, holders in held.items() if holders}
        for path in sorted(self._root.iterdir()):
            remove_tree(path if path.name.startswith(".") else path / _FILLING)
        for volume in self.list():
            if volume.name not in self._holders:
                self._unmount(volume)

    # -- inside --------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        with self._table:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            yield

    def _aside(self, purpose: str) -> Path:
        return self._root / f".{purpose}.{secrets.token_hex(8)}"

    def _make(self, name: str, record: _Record) -> None:
        """Raises FileExistsError when another thread was faster."""
        aside = self._aside("new")
        try:
            (aside / _DATA).mkdir(parents=True)
            write_atomic(aside / _RECORD, msgspec.json.encode(record), mode=0o600)
            aside.rename(self._root / name)
            sync_folder(self._root)
        except OSError as error:
            remove_tree(aside)
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise FileExistsError from error
            raise explained(error, f"make volume {name}") from error

    def _fill(self, data: Path, source: Path, *, at_once: bool) -> None:
        """Copy the folder ``source`` into ``data``, which is empty. ``at_once``: by a rename, all or nothing."""
        into = data.parent / _FILLING if at_once else data
        try:
            with tempfile.TemporaryFile(dir=self._root) as spool:
                pack(source, spool, whiteouts=False, name="")
                spool.seek(0)
                if at_once:
                    remove_tree(into)
                    into.mkdir()
                unpack(spool, into, whiteouts=False)
                if at_once:
                    into.rename(data)
        except OSError as error:
            raise explained(error, f"fill {data} from the image") from error

    def _unmount(self, volume: Volume) -> None:
        if not volume.options:
            return
        try:
            mount.unmount(volume.mountpoint)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise explained(error, f"unmount volume {volume.name}") from error
            mount.unmount(volume.mountpoint, lazy=True)


def _is_empty(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return not any(entries)


@contextlib.contextmanager
def _folder_in(rootfs: Path, target: str) -> Iterator[Path | None]:
    """The folder that ``target`` is for a process in ``rootfs``, by a path that stays it; None if it is none."""
    root = os.open(rootfs, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fd = open_in_root(root, target, os.O_PATH | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    finally:
        os.close(root)
    try:
        yield Path(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)
