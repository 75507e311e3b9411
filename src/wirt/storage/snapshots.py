"""Snapshots on disk: a folder each, with a record beside what the kind of guest needs.

A snapshot appears by one rename, when everything in it is on the disk; what a killed daemon left starts with a dot.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from wirt.errors import Conflict, CorruptData, NotFound
from wirt.host.failures import explaining
from wirt.host.files import sync_folder, write_atomic
from wirt.host.trees import remove_tree
from wirt.model.snapshot import Snapshot

__all__ = ["Snapshots"]

_RECORD = "snapshot.json"
_OWN_IMAGE = "image"  # names the image that was made for it, for when the folder is all that a killed daemon left


class Snapshots:
    """Those below ``root``. Owned by one thread at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.left: list[tuple[Path, str]] = []  # what a killed daemon left: a folder, and the image made for it
        self._all = {snapshot.id: snapshot for snapshot in self._load()}
        self._claims: dict[Path, tuple[str, str]] = {}  # of drafts: the image each needs, and the snapshot's name

    def _load(self) -> Iterator[Snapshot]:
        for folder in self._root.iterdir():
            if folder.name.startswith("."):
                self._left_behind(folder)
                continue
            try:
                yield msgspec.json.decode((folder / _RECORD).read_bytes(), type=Snapshot)
            except (OSError, msgspec.MsgspecError) as error:
                hint = f"delete {folder}, it cannot be used any more"
                raise CorruptData(f"the snapshot {folder.name[:12]} is damaged: {error}", hint=hint) from error

    def _left_behind(self, folder: Path) -> None:
        """It goes at once, or when the image has gone that was made for it (``forget``)."""
        try:
            self.left.append((folder, (folder / _OWN_IMAGE).read_text(encoding="ascii")))
        except (OSError, UnicodeDecodeError):
            remove_tree(folder)

    def forget(self, folder: Path) -> None:
        """One of ``left``, whose image has been seen to."""
        remove_tree(folder)

    # -- finding -----------------------------------------------------------------------------------

    def list(self) -> list[Snapshot]:
        """Newest first."""
        return sorted(self._all.values(), key=lambda snapshot: snapshot.created, reverse=True)

    def find(self, ref: str) -> Snapshot:
        """By name, id, or the beginning of an id. ``NotFound``, or ``Conflict`` when it means several."""
        for snapshot in self._all.values():
            if ref in (snapshot.name, snapshot.id):
                return snapshot
        found = [snapshot for snapshot in self._all.values() if ref and snapshot.id.startswith(ref)]
        if len(found) > 1:
            raise Conflict(f"{ref} is the beginning of {len(found)} snapshots' ids", hint="write more of it")
        if not found:
            raise NotFound(f"there is no snapshot {ref}", hint="wirt snapshot ls shows those there are")
        return found[0]

    def name_taken(self, name: str) -> bool:
        return any(name == snapshot.name for snapshot in self._all.values())

    def folder(self, snapshot_id: str) -> Path:
        """Where a snapshot's files are."""
        return self._root / snapshot_id

    def images(self) -> dict[str, str]:
        """The images that snapshots need, those in the making too, and who needs each."""
        claims = [*self._claims.values(), *((snapshot.image_id, snapshot.name) for snapshot in self._all.values())]
        return {image_id: f"snapshot {name}" for image_id, name in claims}

    # -- making and unmaking -----------------------------------------------------------------------

    @contextlib.contextmanager
    def draft(self) -> Iterator[Path]:
        """A folder to be filled; what is not kept (``keep``) until the end of the context is deleted."""
        with explaining("make a snapshot"):
            folder = Path(tempfile.mkdtemp(prefix=".", dir=self._root))
        try:
            yield folder
        finally:
            self._claims.pop(folder, None)
            shutil.rmtree(folder, ignore_errors=True)

    def claim(self, draft: Path, image_id: str, name: str, *, own: bool) -> None:
        """What is drafted needs an image, which nobody may remove from now on. ``own``: nobody else needs it."""
        self._claims[draft] = (image_id, name)
        if own:
            with explaining("make a snapshot"):
                (draft / _OWN_IMAGE).write_text(image_id, encoding="ascii")

    def keep(self, draft: Path, snapshot: Snapshot) -> None:
        """From now on it is there, also after a power loss; its other files are on the disk already."""
        with explaining("write a snapshot"):
            write_atomic(draft / _RECORD, msgspec.json.encode(snapshot))
            sync_folder(draft)
            draft.rename(self.folder(snapshot.id))
            sync_folder(self._root)
        self._all[snapshot.id] = snapshot

    def remove(self, snapshot_id: str) -> None:
        """Gone at once for who looks; a crash meanwhile leaves what the next start deletes."""
        with explaining("delete a snapshot"):
            doomed = self._root / f".{snapshot_id}"
            self.folder(snapshot_id).rename(doomed)
            del self._all[snapshot_id]
            remove_tree(doomed)
