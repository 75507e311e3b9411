"""``wirt image load``: images out of an archive."""

from __future__ import annotations

from wirt.cli.archives import open_input, pieces
from wirt.cli.human import familiar
from wirt.cli.options import Call, Flag, Verb
from wirt.cli.progress import QUIET, finished

__all__ = ["VERB", "run"]

VERB = Verb(
    "image load",
    "Take images in from an archive",
    about="Archives of docker save, podman save and skopeo, and OCI layouts; plain or packed by gzip, zstd or xz.",
    flags=(
        Flag("input", "i", "text", "this file instead of standard input", metavar="file", complete="file"),
        QUIET,
    ),
    examples=(
        ("wirt load -i web.tar", "what wirt save or docker save wrote"),
        ("ssh there docker save web | wirt load", "from another host"),
    ),
)


def run(call: Call) -> None:
    with open_input(call["input"], "image load") as archive:
        reports = call.transport.follow("POST", "/v1/images/load", body=pieces(archive))
        for image, names in finished(reports, quiet=call["quiet"]):
            for name in names:
                print(f"Loaded image: {familiar(name)}")
            if not names:
                print(f"Loaded image ID: {image}")
