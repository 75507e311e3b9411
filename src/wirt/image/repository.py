"""Catalog, blobs and layers as one: layers come in, are made anew when missing, and go when nobody needs them.

Locks, in the order in which they are taken, each held for no longer than its own work:

1. a layer's (``LayerStore.lock``), while it is unpacked;
2. the catalog's (``Catalog.lock``), while names change or blobs and layers are deleted.

Deleting and adding meet in ``Hold``: what is held is not deleted, and whoever adds holds a blob or layer *before*
looking whether it is there. When a hold ends, what it brought and no image refers to is deleted: a load that failed
leaves nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wirt.errors import CorruptData
from wirt.host.files import sync_filesystem, sync_folder
from wirt.host.tarfs import Readable
from wirt.host.trees import remove_tree
from wirt.image.blobs import LOAD_AGAIN, BlobStore, BlobWriter, short
from wirt.image.catalog import Catalog, Edit, Image, Layer
from wirt.image.intake import Intake, OnProgress, Watched
from wirt.image.layers import LayerInfo, LayerStore, chained
from wirt.image.streams import PIECE, ReadAhead, Sha256, Tap, decompressed

__all__ = ["Hold", "Repository"]


@dataclass(slots=True)
class Hold:
    """What one piece of work needs; ``Repository.hold`` gives it.

    ``made``: chain id -> (folder, what is known) of the layers it has unpacked aside, to be placed all at once.
    """

    repository: Repository
    blobs: set[str] = field(default_factory=set)
    chains: set[str] = field(default_factory=set)
    made: dict[str, tuple[Path, LayerInfo]] = field(default_factory=dict)

    def blob(self, digest: str) -> None:
        """From now on this blob is not deleted."""
        if digest not in self.blobs:
            self.blobs.add(digest)
            self.repository.pin((digest,), 1)

    def put(self, data: bytes) -> str:
        """A small blob comes into the store; returns its digest."""
        self.blob(f"sha256:{hashlib.sha256(data).hexdigest()}")
        return self.repository.blobs.put(data)

    def chain(self, chain_id: str) -> None:
        """From now on this unpacked layer is not deleted."""
        if chain_id not in self.chains:
            self.chains.add(chain_id)
            self.repository.pin((chain_id,), 1)


class Repository:
    """Any thread may call anything."""

    def __init__(self, images: Path, layers: Path) -> None:
        images.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.blobs = BlobStore(images)
        self.layers = LayerStore(layers)
        self.catalog = Catalog(images, self.blobs)
        self._pinned: Counter[str] = Counter()  # digests and chain ids; under the catalog's lock

    # -- what may not go, and what goes ---------------------------------------------------------------------------

    @contextlib.contextmanager
    def hold(self) -> Iterator[Hold]:
        """Work that adds: what it holds stays while it lasts, and after that if an image refers to it."""
        hold = Hold(self)
        try:
            yield hold
        finally:
            for aside, _ in hold.made.values():
                remove_tree(aside)
            self.pin((*hold.blobs, *hold.chains), -1)
            with contextlib.suppress(CorruptData):  # an index that does not parse condemns nothing
                self.collect(hold.blobs, hold.chains)

    def pin(self, things: Iterable[str], by: int) -> None:
        with self.catalog.lock:
            for thing in things:
                self._pinned[thing] += by

    def collect(self, blobs: Iterable[str], chains: Iterable[str]) -> int:
        """Deletes those that no image refers to and nobody holds; returns the bytes that came free.

        While some image cannot be read nobody knows what it refers to, and nothing is deleted.
        """
        freed = 0
        doomed: list[Path | None] = []
        with self.catalog.lock:
            if self.catalog.snapshot().damaged:
                return 0
            kept = self.catalog.reachable() | self.catalog.chains() | {key for key, n in self._pinned.items() if n}
            for digest in set(blobs) - kept:
                freed += self.blobs.remove(digest)
            for chain_id in set(chains) - kept:
                info = self.layers.info(chain_id)
                freed += info.size if info else 0
                doomed.append(self.layers.detach(chain_id))
        for tree in filter(None, doomed):
            remove_tree(tree)
        return freed

    def sweep(self) -> None:
        """Deletes what was left half made, and all that no image refers to. Only at a start: nobody else is at work."""
        with self.catalog.lock:
            blobs, chains = self.catalog.reachable(), self.catalog.chains()
            if self.catalog.snapshot().damaged:
                blobs |= self.blobs.digests()
                chains |= self.layers.whole()
            self.blobs.sweep(blobs)
            self.layers.sweep(chains)

    # -- images ---------------------------------------------------------------------------------------------------

    def is_whole(self, image: Image) -> bool:
        """Whether every blob of the image is there."""
        return all(self.blobs.has(part.digest) for part in image.blobs)

    @contextlib.contextmanager
    def edit(self) -> Iterator[Edit]:
        """Change names and images. At the end that is on the disk, and what nobody needs any more is deleted."""
        with self.catalog.lock:
            blobs, chains = self.catalog.reachable(), self.catalog.chains()
            with self.catalog.edit() as edit:
                yield edit
        edit.freed = self.collect(blobs, chains)

    def publish(self, hold: Hold, images: Iterable[tuple[Image, Sequence[str]]]) -> None:
        """The images are there from now on, under these names: all at once, and with every layer in its place.

        Their blobs are in the store, and held. Another manifest of an image makes way if it lacks blobs.
        """
        sync_filesystem(self.blobs.folder)
        self._settle(hold)
        with self.edit() as edit:
            for image, names in images:
                old = edit.snapshot.images.get(image.id)
                lacking = old is not None and old.digest != image.digest and not self.is_whole(old)
                edit.add(image, (*names, *old.names) if old and lacking else names)

    # -- layers ---------------------------------------------------------------------------------------------------

    def trees(self, image: Image, progress: OnProgress | None = None) -> tuple[Path, ...]:
        """The unpacked layers, topmost first; a missing one is made anew from its blob."""
        trees = []
        for layer in reversed(image.layers):
            info = self.layers.info(layer.chain_id) or self.ensure(layer, image.title, progress)
            trees.append(self.layers.tree(layer.chain_id))
            if info.opaque:
                break
        return tuple(trees)

    def ensure(self, layer: Layer, what: str, progress: OnProgress | None = None) -> LayerInfo:
        """The layer is in its place when this returns; ``what`` names its image in errors."""
        with self.hold() as hold, self.layers.lock(layer.chain_id):
            info = self.unpack(hold, layer, what, progress)
            if layer.chain_id in hold.made:
                sync_filesystem(self.layers.folder)
                self.layers.place(layer.chain_id, *hold.made.pop(layer.chain_id))
                sync_folder(self.layers.folder)
        return info

    def unpack(self, hold: Hold, layer: Layer, what: str, progress: OnProgress | None) -> LayerInfo:
        """The layer is in its place, or made aside, when this returns."""
        hold.chain(layer.chain_id)
        if (info := self._present(hold, layer.chain_id)) is not None:
            return info
        try:
            return self._remake(hold, layer, progress)
        except CorruptData as error:
            self.blobs.set_aside(layer.blob.digest)
            message = f"layer {short(layer.diff_id)} of {what} is damaged: {error}"
            raise CorruptData(message, hint=LOAD_AGAIN) from error

    def add(
        self, hold: Hold, staged: BlobWriter, *, below: str, expected: str, what: str, progress: OnProgress | None
    ) -> Layer:
        """A layer from an archive of any compression, closed but not kept, on top of the chain ``below``.

        ``expected``: its diff id, or "" when any will do. The layer is in its place, or made aside, after this.
        """
        with Intake(self.blobs, staged) as intake:
            diff_id = intake.known_diff_id or expected
            _compare(diff_id, expected, what)
            if diff_id and (known := self._known(hold, chained(below, diff_id), diff_id)):
                return known
            with open(staged.path, "rb", buffering=0) as file:
                watched = Watched.layer(file, progress, diff_id or staged.digest, staged.size)
                with self._unpacked(watched, *intake.taps) as (aside, size):
                    diff_id = intake.diff_id()
                    _compare(diff_id, expected, what)
                    blob = intake.keep_blob(hold.blob)
                    chain_id = chained(below, diff_id)
                    hold.chain(chain_id)
                    self._made(hold, chain_id, aside, LayerInfo(diff_id, size, intake.tar_size, blob))
        return Layer(chain_id, diff_id, blob)

    def _present(self, hold: Hold, chain_id: str) -> LayerInfo | None:
        """What is known of a layer in its place, or made aside."""
        return hold.made[chain_id][1] if chain_id in hold.made else self.layers.info(chain_id)

    def _known(self, hold: Hold, chain_id: str, diff_id: str) -> Layer | None:
        """The layer if it is here already, unpacked and packed."""
        hold.chain(chain_id)
        info = self._present(hold, chain_id)
        if info is None:
            return None
        hold.blob(info.blob.digest)
        return Layer(chain_id, diff_id, info.blob) if self.blobs.has(info.blob.digest) else None

    def _remake(self, hold: Hold, layer: Layer, progress: OnProgress | None) -> LayerInfo:
        diff = Sha256()
        with self.blobs.open(layer.blob.digest, "its archive") as blob, contextlib.closing(diff):
            watched = Watched.layer(blob, progress, layer.diff_id, layer.blob.size)
            with self._unpacked(watched, diff.update) as (aside, size):
                while watched.read(PIECE):  # what follows the last compressed byte counts for the blob's digest
                    pass
                _compare(diff.digest(), layer.diff_id, "its archive")
                info = LayerInfo(layer.diff_id, size, diff.size, layer.blob)
                return self._made(hold, layer.chain_id, aside, info)

    def _made(self, hold: Hold, chain_id: str, aside: Path, info: LayerInfo) -> LayerInfo:
        info = self.layers.describe(aside, info)
        hold.made[chain_id] = aside, info
        return info

    def _settle(self, hold: Hold) -> None:
        """Every layer that was made aside goes to its place, after one sync for them all."""
        if hold.made:
            sync_filesystem(self.layers.folder)
            while hold.made:
                chain_id, made = hold.made.popitem()
                with self.layers.lock(chain_id):
                    self.layers.place(chain_id, *made)
            sync_folder(self.layers.folder)

    @contextlib.contextmanager
    def _unpacked(self, stream: Readable, *taps: Callable[[bytes], object]) -> Iterator[tuple[Path, int]]:
        """``stream`` decompressed and unpacked aside, all of its plain tar shown to ``taps``.

        Gives the folder, which is removed if the block does not end well, and the bytes of the files in it.
        """
        plain, _ = decompressed(stream)
        with ReadAhead(plain) as ahead:
            tap = Tap(ahead, *taps)
            aside, size = self.layers.make(tap)
            try:
                tap.drain()
                yield aside, size
            except BaseException:
                remove_tree(aside)
                raise


def _compare(diff_id: str, expected: str, what: str) -> None:
    if expected and diff_id != expected:
        raise CorruptData(f"{what} is damaged: it unpacks to {short(diff_id)}", hint="make the archive again")
