"""``wirt cp``: files between a guest and the host."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile

from wirt.cli.archives import open_input, pieces, save_to
from wirt.cli.copying import contents_meant, local_mode, place, split
from wirt.cli.options import Call, Flag, UsageError, Verb
from wirt.cli.tars import pack, unpack
from wirt.client.transport import path
from wirt.client.wire import decode
from wirt.errors import InvalidInput, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["VERB", "run"]

VERB = Verb(
    "cp",
    "Copy files between a guest and the host",
    args="SOURCE TARGET",
    flags=(
        Flag("archive", "a", "switch", "keep owners, set-uid bits, devices and pipes"),
        Flag("follow-link", "L", "switch", "if SOURCE is a link, copy what it leads to"),
    ),
    about=(
        "One of the two is GUEST:PATH, the other a path here, or - for a tar archive on standard input or output. "
        "SOURCE/. means what is in the folder. The guest need not run."
    ),
    examples=(
        ("wirt cp web:/etc/nginx .", "the folder, into this one"),
        ("wirt cp site/. web:/var/www", "what is in site, into /var/www"),
        ("wirt cp web:/var/log - | tar t", "as an archive"),
    ),
)


def run(call: Call) -> None:
    (from_guest, source), (to_guest, target) = (split(argument) for argument in call.args)
    if bool(from_guest) == bool(to_guest):
        fault = "both are in guests" if from_guest else "neither is in a guest"
        raise UsageError(f"cannot copy {source} to {target}: {fault}", "cp")
    if from_guest:
        _fetch(call, from_guest, source, target)
    else:
        _send(call, source, to_guest, target)


def _fetch(call: Call, guest: str, source: str, target: str) -> None:
    found = _source(call, guest, source)
    if call["follow-link"] and found["link_target"]:
        source = found["link_target"]
        found = _source(call, guest, source)
    if target == "-":
        save_to(None, lambda: _archive(call, guest, source))
        return
    spot = place(source, found["mode"], target, local_mode(target))
    if not os.path.isdir(spot.folder if not spot.make else os.path.dirname(spot.folder) or "."):
        raise NotFound(f"there is no folder {os.path.dirname(os.path.normpath(target))}")
    if spot.make:
        os.mkdir(spot.folder)
    if not spot.name:
        _unpack(call, guest, source if contents_meant(source) else source.rstrip("/") + "/.", spot.folder)
    elif os.path.isdir(target):
        _unpack(call, guest, source, spot.folder)
    else:
        _fetch_as(call, guest, source, os.path.realpath(os.path.join(spot.folder, spot.name)))


def _fetch_as(call: Call, guest: str, source: str, target: str) -> None:
    """One file under another name: unpacked beside it first, so that what is there is replaced whole or not at all."""
    aside = tempfile.mkdtemp(prefix=".wirt-", dir=os.path.dirname(target))
    try:
        _unpack(call, guest, source, aside)
        (name,) = os.listdir(aside)
        os.replace(os.path.join(aside, name), target)
    finally:
        shutil.rmtree(aside)


def _unpack(call: Call, guest: str, source: str, folder: str) -> None:
    with _archive(call, guest, source) as response:
        left_out = unpack(response, folder, keep=call["archive"])
    if left_out:
        names = ", ".join(left_out[:3]) + (" ..." if len(left_out) > 3 else "")
        raise InvalidInput(f"devices and pipes were left out: {names}", hint="-a copies them as well")


def _archive(call: Call, guest: str, source: str) -> Any:
    return call.transport.request("GET", path("guests", guest, "archive"), query={"path": source})


def _send(call: Call, source: str, guest: str, target: str) -> None:
    mode = _target_mode(call, guest, target)
    if source == "-":
        if mode is None or not stat.S_ISDIR(mode):
            raise InvalidInput(f"an archive goes into a folder, and {target} is none")
        _put(call, guest, target, pieces(open_input(None, "cp")))
        return
    status = os.stat(source) if call["follow-link"] or source.endswith(("/", "/.")) else os.lstat(source)
    spot = place(source, status.st_mode, target, mode)
    name, folder = spot.name, spot.folder
    if spot.make:  # the archive brings it along, under its name
        folder, name = os.path.split(spot.folder)
    packed = pack(source.rstrip("/") or "/", name, keep=call["archive"], follow=call["follow-link"])
    _put(call, guest, folder or "/", packed)


def _put(call: Call, guest: str, folder: str, body: Any) -> None:
    query = {"path": folder, "no_overwrite_dir_non_dir": True}
    call.transport.request("PUT", path("guests", guest, "archive"), query=query, body=body).close()


def _stat(call: Call, guest: str, where: str) -> dict[str, Any] | None:
    """What is there; None for nothing. A guest that is missing is an error."""
    try:
        with call.transport.request("HEAD", path("guests", guest, "archive"), query={"path": where}) as response:
            found: dict[str, Any] = decode(response.headers["wirt-path-stat"])
    except NotFound:  # an answer to HEAD cannot say what was not found
        call.transport.call("GET", path("guests", guest))
        return None
    return found


def _source(call: Call, guest: str, where: str) -> dict[str, Any]:
    found = _stat(call, guest, where)
    if found is None:
        raise NotFound(f"there is no {where} in guest {guest}")
    return found


def _target_mode(call: Call, guest: str, target: str) -> int | None:
    """st_mode(2) of what ``target`` leads to in the guest; None where there is nothing."""
    found = _stat(call, guest, target)
    if found and found["link_target"]:
        found = _stat(call, guest, found["link_target"])
    return int(found["mode"]) if found else None
