"""``wirt image save``: images as an archive."""

from __future__ import annotations

from wirt.cli.archives import save_to
from wirt.cli.options import Call, Flag, Verb

__all__ = ["VERB", "run"]

VERB = Verb(
    "image save",
    "Write images as one archive that docker, podman and skopeo read",
    args="IMAGE [IMAGE...]",
    flags=(
        Flag("output", "o", "text", "to this file instead of standard output", metavar="file", complete="file"),
        Flag("format", "", "text", "docker or oci", metavar="format", choices=("docker", "oci")),
    ),
    examples=(
        ("wirt save -o web.tar web:1 web:2", "two images, shared layers once"),
        ("wirt save web | ssh there wirt load", "to another host"),
    ),
)


def run(call: Call) -> None:
    query = {"name": call.args, "format": call["format"]}
    save_to(call["output"], lambda: call.transport.request("GET", "/v1/images/save", query=query))
