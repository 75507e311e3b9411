"""``wirt image import``: an image from the files of a root filesystem."""

from __future__ import annotations

from wirt.cli.archives import open_input, pieces
from wirt.cli.options import Call, Flag, Verb
from wirt.cli.progress import QUIET, finished

__all__ = ["VERB", "run"]

VERB = Verb(
    "image import",
    "Make an image of an archive of files",
    args="FILE|- [NAME[:TAG]]",
    flags=(
        Flag(
            "change", "c", "text", "a line of a Dockerfile to apply: CMD, ENV, LABEL ...", many="append", metavar="line"
        ),
        Flag("message", "m", "text", "what was done", metavar="text"),
        QUIET,
    ),
    examples=(
        ("wirt import rootfs.tar.gz base:1", "the files of a system"),
        ("wirt export web | wirt import - web:flat", "one layer where there were many"),
    ),
)  # fmt: skip


def run(call: Call) -> None:
    file, *name = call.args
    query = {"name": name[0] if name else None, "change": call["change"], "message": call["message"]}
    with open_input(file, "image import") as archive:
        reports = call.transport.follow("POST", "/v1/images/import", query=query, body=pieces(archive))
        for image, _ in finished(reports, quiet=call["quiet"]):
            print(image)
