"""Which image a person means, and which ones a filter lets through; Docker's rules for both."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from wirt.errors import ImageNotFound, InvalidInput
from wirt.image import reference
from wirt.image.catalog import Image, Snapshot
from wirt.image.documents import to_time

__all__ = ["Filters", "Found", "find", "select"]

Filters = Mapping[str, list[str]]

_is_id_prefix = re.compile(r"(?:sha256:)?([0-9a-f]{1,64})").fullmatch
_is_duration = re.compile(r"(?:\d+(?:\.\d+)?(?:h|m|s))+").fullmatch
_UNITS = {"h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True)
class Found:
    """``name``: the full reference it was found by, "" when it was its id or digest."""

    image: Image
    name: str = ""


def find(snapshot: Snapshot, text: str) -> Found:
    """The image that ``text`` means: a whole id or digest, then a name, then the beginning of an id.

    Raises ImageNotFound, InvalidInput (no name, or the start of several ids), or what is wrong with a damaged image.
    """
    digest = text if reference.is_digest(text) else f"sha256:{text}"
    if reference.is_digest(digest):
        return _by_digest(snapshot, digest, text)
    prefix = _is_id_prefix(text)
    try:
        named = reference.parse(text).tagged()
    except InvalidInput:
        if prefix is None:
            raise
    else:
        if named.digest:
            return _by_digest(snapshot, named.digest, text)
        if (image_id := snapshot.names.get(str(named))) is not None:
            return Found(snapshot.images[image_id], str(named))
        if (error := snapshot.damaged.get(str(named))) is not None:
            raise error
    if prefix and (image := _by_prefix(snapshot, prefix[1], text)):
        return Found(image)
    raise _missing(text)


def _by_digest(snapshot: Snapshot, digest: str, text: str) -> Found:
    """An image's id, or the digest of its manifest."""
    image = snapshot.images.get(digest) or snapshot.images.get(snapshot.digests.get(digest, ""))
    if image is not None:
        return Found(image)
    if (error := snapshot.damaged.get(digest)) is not None:
        raise error
    raise _missing(text)


def _by_prefix(snapshot: Snapshot, prefix: str, text: str) -> Image | None:
    images = [image for image in snapshot.images.values() if image.id.startswith(f"sha256:{prefix}")]
    if len(images) > 1:
        raise InvalidInput(f"{text!r} is the beginning of {len(images)} images' ids", hint="type more of it")
    return images[0] if images else None


def _missing(text: str) -> ImageNotFound:
    return ImageNotFound(
        f"no such image: {text}",
        hint="wirt image ls lists those there are; wirt image load and wirt image bootstrap bring more",
    )


# -- filters --------------------------------------------------------------------------------------------------------


def select(snapshot: Snapshot, filters: Filters) -> list[Image]:
    """The images that pass every filter, newest first. Of several values one must fit; of several labels, each."""
    tests = [_test(snapshot, name, values) for name, values in filters.items()]
    images = [image for image in snapshot.images.values() if all(test(image) for test in tests)]
    return sorted(images, key=lambda image: (-image.created, image.id))


def _test(snapshot: Snapshot, name: str, values: list[str]) -> Callable[[Image], bool]:
    match name:
        case "dangling":
            wanted = {_truth(value) for value in values}
            return lambda image: (not image.names) in wanted
        case "label":
            return lambda image: all(_has_label(image, value) for value in values)
        case "label!":
            return lambda image: not any(_has_label(image, value) for value in values)
        case "reference":
            return lambda image: any(_matches(image.names, value) for value in values)
        case "before":
            bound = min(find(snapshot, value).image.created for value in values)
            return lambda image: image.created < bound
        case "since":
            bound = max(find(snapshot, value).image.created for value in values)
            return lambda image: image.created > bound
        case "until":
            bound = min(_moment(value) for value in values)
            return lambda image: image.created <= bound
    raise InvalidInput(
        f"images cannot be filtered by {name!r}", hint="use before, dangling, label, label!, reference, since or until"
    )


def _truth(text: str) -> bool:
    if text.lower() in ("1", "t", "true"):
        return True
    if text.lower() in ("0", "f", "false"):
        return False
    raise InvalidInput(f"{text!r} is neither true nor false")


def _has_label(image: Image, wanted: str) -> bool:
    key, equals, value = wanted.partition("=")
    labels = image.config.labels
    return key in labels and (not equals or labels[key] == value)


def _matches(names: Iterable[str], pattern: str) -> bool:
    """A shell pattern against the familiar name, with its tag and without; ``*`` stops at a slash."""
    wanted = re.compile(
        "".join(
            "[^/]*" if part == "*" else "[^/]" if part == "?" else part if part.startswith("[") else re.escape(part)
            for part in re.findall(r"\[[^\]/]+\]|\*|\?|[^*?\[]+|\[", pattern)
        )
    )
    for name in names:
        familiar = reference.parse(name).familiar
        if wanted.fullmatch(familiar) or wanted.fullmatch(familiar.rpartition(":")[0]):
            return True
    return False


def _moment(text: str) -> float:
    """Seconds since 1970, a date, or how long ago ("24h", "1h30m")."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if _is_duration(text):
        parts = re.findall(r"(\d+(?:\.\d+)?)([hms])", text)
        return time.time() - sum(float(number) * _UNITS[unit] for number, unit in parts)
    if moment := to_time(text):
        return moment
    raise InvalidInput(f"{text!r} is no time", hint="write 24h, 2024-05-31, 2024-05-31T12:00:00Z or Unix seconds")
