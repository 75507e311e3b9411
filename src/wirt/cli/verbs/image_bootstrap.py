"""``wirt image bootstrap``: a base image from a distribution's packages, without any registry."""

from __future__ import annotations

from wirt.cli.human import familiar
from wirt.cli.options import Call, Flag, Verb
from wirt.cli.progress import QUIET, finished

__all__ = ["VERB", "run"]

VERB = Verb(
    "image bootstrap",
    "Make a base image from a distribution's packages",
    args="RECIPE",
    about="Recipes: busybox, and debian:RELEASE (debian:bookworm). Packages come from the host's own mirror.",
    flags=(
        Flag("package", "p", "text", "a further package", field="packages", many="append", metavar="package"),
        Flag("name", "t", "text", "the image's name; the recipe's where not said", field="name", metavar="name"),
        Flag("mirror", "", "text", "where packages come from", field="mirror", metavar="url"),
        QUIET,
    ),
    examples=(
        ("wirt image bootstrap busybox", "the smallest, in a second"),
        ("wirt image bootstrap debian:bookworm -p python3 -p git -t tools", "Debian, with what you need"),
    ),
)


def run(call: Call) -> None:
    body = {**call.fields(), "recipe": call.args[0]}
    reports = call.transport.follow("POST", "/v1/images/bootstrap", json=body)
    for image, names in finished(reports, quiet=call["quiet"]):
        print(image if call["quiet"] else f"Made image: {', '.join(map(familiar, names)) or image}")
