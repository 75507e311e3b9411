"""Unpacked layers: ``<layers>/<chain id>/fs``, one tree a layer, shared by every image and guest that has it.

A chain id names a layer with all below it (image-spec/config.md, "Layer ChainID"). Beside ``fs`` lies ``layer.json``
with what was learned while unpacking. A layer is made aside, synced and renamed: where its folder stands, it is whole.
To delete one is to rename it aside first, so that nobody ever sees half a layer.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from wirt.host.tarfs import OPAQUE, Readable, unpack
from wirt.host.trees import remove_tree
from wirt.image.documents import Descriptor, Digest

__all__ = ["LayerInfo", "LayerStore", "chain_ids", "chained"]

_ASIDE = ".new-"
_DOOMED = ".old-"
_INFO = "layer.json"
_TREE = "fs"


class LayerInfo(msgspec.Struct, frozen=True):
    """What is known of an unpacked layer.

    ``size``: bytes of its files; ``tar_size``: of its plain tar archive, whose digest is ``diff_id``; ``blob``: what it
    was unpacked from; ``opaque``: it hides all layers below it.
    """

    diff_id: Digest
    size: int
    tar_size: int
    blob: Descriptor
    opaque: bool = False


def chain_ids(diff_ids: list[str]) -> tuple[str, ...]:
    """The chain id of every layer, lowest first."""
    chain: list[str] = []
    for diff_id in diff_ids:
        chain.append(chained(chain[-1] if chain else "", diff_id))
    return tuple(chain)


def chained(below: str, diff_id: str) -> str:
    """The chain id of a layer on top of the chain ``below`` ("": on nothing)."""
    return f"sha256:{hashlib.sha256(f'{below} {diff_id}'.encode()).hexdigest()}" if below else diff_id


class LayerStore:
    """Any thread may call anything; whoever makes a layer holds its ``lock``, so that none is made twice at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # setuid files in layers are nobody's on the host
        self._known: dict[str, LayerInfo] = {}
        self._locks: dict[str, tuple[threading.Lock, int]] = {}  # chain id -> lock, how many want it
        self._guard = threading.Lock()  # of _locks; held for no longer than a look

    def tree(self, chain_id: str) -> Path:
        """The layer's root, whether it is there or not."""
        return self._place(chain_id) / _TREE

    def info(self, chain_id: str) -> LayerInfo | None:
        """What is known of the layer; ``None`` unless it is there and whole. One stat(2) for a layer seen before."""
        known = self._known.get(chain_id)
        if known is None:
            known = self._read(chain_id)
            if known is not None:
                self._known[chain_id] = known
        elif not os.path.exists(f"{self._place(chain_id)}/{_TREE}"):  # noqa: PTH110 - a Path costs more than the call
            self._known.pop(chain_id, None)
            return None
        return known

    @contextlib.contextmanager
    def lock(self, chain_id: str) -> Iterator[None]:
        """One maker at a time for a layer; others wait and find it made."""
        with self._guard:
            lock, wanted = self._locks.get(chain_id, (threading.Lock(), 0))
            self._locks[chain_id] = lock, wanted + 1
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, wanted = self._locks.pop(chain_id)
                if wanted > 1:
                    self._locks[chain_id] = lock, wanted - 1

    def make(self, stream: Readable) -> tuple[Path, int]:
        """Unpacks a plain tar aside: (folder to ``place`` or remove, bytes of its files)."""
        aside = self.folder / f"{_ASIDE}{secrets.token_hex(8)}"
        tree = aside / _TREE
        tree.mkdir(parents=True)
        try:
            tree.chmod(0o755)
            return aside, unpack(stream, tree, whiteouts=True).bytes
        except BaseException:
            remove_tree(aside)
            raise

    def describe(self, aside: Path, info: LayerInfo) -> LayerInfo:
        """Notes what is known of a layer that was made aside; the last thing before it is synced."""
        info = msgspec.structs.replace(info, opaque=_is_opaque(aside / _TREE))
        (aside / _INFO).write_bytes(msgspec.json.encode(info))
        return info

    def place(self, chain_id: str, aside: Path, info: LayerInfo) -> None:
        """What was made aside, and synced, becomes the layer, unless it is there already."""
        if self.info(chain_id) is not None:
            remove_tree(aside)
            return
        if (broken := self.detach(chain_id)) is not None:
            remove_tree(broken)
        aside.rename(self._place(chain_id))
        self._known[chain_id] = info

    def detach(self, chain_id: str) -> Path | None:
        """The layer is gone from now on; what it was is for the caller to ``remove_tree``. ``None``: there was none."""
        self._known.pop(chain_id, None)
        doomed = self.folder / f"{_DOOMED}{secrets.token_hex(8)}"
        try:
            return self._place(chain_id).rename(doomed)
        except FileNotFoundError:
            return None

    def whole(self) -> set[str]:
        """The chain id of every layer there is."""
        named = {f"sha256:{path.name}" for path in self.folder.iterdir()}
        return {chain_id for chain_id in named if self.info(chain_id) is not None}

    def sweep(self, keep: set[str]) -> None:
        """Deletes what a crash left half made or half deleted, and every layer not in ``keep``."""
        for path in self.folder.iterdir():
            if f"sha256:{path.name}" not in keep:
                self._known.pop(f"sha256:{path.name}", None)
                remove_tree(path)

    def _place(self, chain_id: str) -> Path:
        return self.folder / chain_id.removeprefix("sha256:")

    def _read(self, chain_id: str) -> LayerInfo | None:
        place = self._place(chain_id)
        try:
            info = msgspec.json.decode((place / _INFO).read_bytes(), type=LayerInfo)
        except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
            return None
        return info if (place / _TREE).is_dir() else None


def _is_opaque(tree: Path) -> bool:
    """overlayfs ignores the mark on the root of a layer, so whoever stacks layers has to know."""
    try:
        return os.getxattr(tree, OPAQUE) == b"y"
    except OSError:
        return False
