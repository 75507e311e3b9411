"""Names and images go: ``rm`` and ``prune``, as Docker's users expect, but for one thing.

A guest's layers lie below its own files, so an image that a guest uses is never deleted, forced or not: ``force`` takes
its names away, and it goes with the next ``prune`` after its last guest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from wirt.errors import Conflict, WirtError
from wirt.image import reference
from wirt.image.catalog import Image, Snapshot
from wirt.image.repository import Repository
from wirt.image.selection import Filters, find, select
from wirt.model.image import ImageDeletion

__all__ = ["prune", "remove"]


def remove(repository: Repository, text: str, *, force: bool, in_use: Mapping[str, str]) -> ImageDeletion:
    """Takes the name ``text`` away; with an image's last name, or when ``text`` is its id, the image is deleted.

    ``in_use``: image id -> the name of a guest that needs it. Conflict says what else stands against it.
    """
    snapshot = repository.catalog.snapshot()
    try:
        found = find(snapshot, text)
    except WirtError:
        if (key := _damaged_key(snapshot, text)) is None:
            raise
        return _forget(repository, key)
    image, names = found.image, found.image.names
    if found.name and len(names) > 1:
        return _untag(repository, [found.name])
    repositories = {reference.parse(name).repository for name in names}
    if len(repositories) > 1 and not force:
        listed = ", ".join(reference.parse(name).familiar for name in names)
        raise Conflict(f"{text} has several names: {listed}", hint="remove these one by one, or use --force")
    if (guest := in_use.get(image.id)) is None:
        return _delete(repository, [image])
    if not force:
        raise Conflict(
            f"{image.title} is in use by guest {guest}",
            hint="remove the guest first, or use --force to take just the name away",
        )
    return _untag(repository, names)


def prune(repository: Repository, *, show_all: bool, filters: Filters, in_use: Iterable[str]) -> ImageDeletion:
    """Deletes every image that no guest uses and that has no name (or, with ``show_all``, whatever its names)."""
    snapshot = repository.catalog.snapshot()
    nameless_only = not show_all and "dangling" not in filters
    used = set(in_use)
    doomed = [
        image
        for image in select(snapshot, filters)
        if image.id not in used and not (nameless_only and image.names)
    ]  # fmt: skip
    return _delete(repository, doomed)


def _untag(repository: Repository, names: Iterable[str]) -> ImageDeletion:
    gone = tuple(names)
    with repository.edit() as edit:
        for name in gone:
            edit.drop_name(name)
    return ImageDeletion(untagged=gone)


def _delete(repository: Repository, images: Sequence[Image]) -> ImageDeletion:
    if not images:
        return ImageDeletion()
    with repository.edit() as edit:
        for image in images:
            edit.drop_image(image.id)
    return ImageDeletion(
        untagged=tuple(name for image in images for name in image.names),
        deleted=tuple(image.id for image in images),
        reclaimed=edit.freed,
    )


def _damaged_key(snapshot: Snapshot, text: str) -> str | None:
    """The name or digest under which the index still has an image that cannot be read."""
    if text in snapshot.damaged:
        return text
    name = str(reference.parse(text).tagged())
    return name if name in snapshot.damaged else None


def _forget(repository: Repository, key: str) -> ImageDeletion:
    """An unreadable image goes, as far as it is known what belongs to it."""
    with repository.edit() as edit:
        edit.drop_name(key)
        edit.drop_manifest(key)
    return ImageDeletion(untagged=(key,), reclaimed=edit.freed)
