"""Images: what guests are made of."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wirt.client.errors import error_from_body
from wirt.client.sdk.calls import Calls, Filters, filter_list
from wirt.client.transport import path
from wirt.errors import RuntimeFailure
from wirt.model.image import HistoryEntry, ImageDeletion, ImageSummary, ImageView, Progress
from wirt.model.wire import BootstrapRequest, Loaded, WorkReport

__all__ = ["Images", "OnProgress"]

OnProgress = Callable[[Progress], None]

_CHUNK = 256 << 10


class Images:
    """The images on a host. A name may be short ("busybox"), whole, or an id."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list(self, filters: Filters | None = None) -> Sequence[ImageSummary]:
        """Those without a name too."""
        return self._calls.get(tuple[ImageSummary, ...], path("images"), {"filter": filter_list(filters)})

    def get(self, name: str) -> ImageView:
        """``ImageNotFound`` if there is none."""
        return self._calls.get(ImageView, path("images", name, "json"))

    def history(self, name: str) -> Sequence[HistoryEntry]:
        """How it was made, newest step first."""
        return self._calls.get(tuple[HistoryEntry, ...], path("images", name, "history"))

    def tag(self, name: str, target: str) -> None:
        """Give it one more name."""
        self._calls.tell("POST", path("images", name, "tag"), query={"target": target})

    def remove(self, name: str, *, force: bool = False) -> ImageDeletion:
        """Take a name away; with its last name goes the image."""
        return self._calls.ask(ImageDeletion, "DELETE", path("images", name), query={"force": force})

    def prune(self, *, all: bool = False, filters: Filters | None = None) -> ImageDeletion:  # noqa: A002
        """Remove those without a name, or (``all``) all that no guest uses."""
        query = {"all": all, "filter": filter_list(filters)}
        return self._calls.ask(ImageDeletion, "POST", path("images", "prune"), query=query)

    def bootstrap(
        self,
        recipe: str,
        packages: Sequence[str] = (),
        *,
        name: str = "",
        mirror: str = "",
        on_progress: OnProgress | None = None,
    ) -> str:
        """Build a base image from a distribution's packages ("busybox", "debian:bookworm"); gives its id."""
        request = BootstrapRequest(recipe, tuple(packages), name, mirror)
        return self._work("bootstrap", on_progress, json=request)[0].id

    def load(
        self, archive: str | os.PathLike[str] | Iterable[bytes], *, on_progress: OnProgress | None = None
    ) -> Sequence[Loaded]:
        """Take in an archive as docker, podman or skopeo write it: a file's path, or its bytes in pieces."""
        return self._work("load", on_progress, body=_pieces(archive))

    def import_rootfs(
        self,
        archive: str | os.PathLike[str] | Iterable[bytes],
        name: str = "",
        *,
        changes: Sequence[str] = (),
        message: str = "",
        on_progress: OnProgress | None = None,
    ) -> str:
        """Make an image of a root file system's tar archive; gives its id. ``changes``: lines of a Dockerfile."""
        query = {"name": name, "change": list(changes), "message": message}
        return self._work("import", on_progress, body=_pieces(archive), query=query)[0].id

    def save(self, names: str | Sequence[str], target: str | os.PathLike[str], *, format: str = "docker") -> None:  # noqa: A002
        """Write an archive that docker, podman and skopeo read; ``format``: docker or oci."""
        wanted = [names] if isinstance(names, str) else list(names)
        pieces = self._calls.stream(path("images", "save"), {"name": wanted, "format": format})
        with open(target, "wb") as file:
            for piece in pieces:
                file.write(piece)

    def _work(self, verb: str, on_progress: OnProgress | None, **request: Any) -> Sequence[Loaded]:
        done = []
        for report in self._calls.lines(WorkReport, "POST", path("images", verb), **request):
            if report.progress is not None and on_progress is not None:
                on_progress(report.progress)
            if report.error is not None:
                raise error_from_body(asdict(report.error))
            if report.image:
                done.append(Loaded(report.image, report.names))
        if not done:
            raise RuntimeFailure("the daemon ended the work without an image", hint="look at its daemon.log")
        return done


def _pieces(archive: str | os.PathLike[str] | Iterable[bytes]) -> Iterator[bytes]:
    if not isinstance(archive, str | os.PathLike):
        yield from archive
        return
    with Path(archive).open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
