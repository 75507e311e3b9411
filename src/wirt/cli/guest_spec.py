"""A guest as ``run`` and ``create`` ask for it, and the file its id goes to."""

from __future__ import annotations

import os
import sys

from wirt.cli.options import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from wirt.cli.options import Call

__all__ = ["IdFile", "announce", "guest_spec", "show_warnings"]


def guest_spec(call: Call) -> dict[str, Any]:
    """``GuestSpec`` as JSON."""
    spec = call.fields()
    spec["image"], *command = call.args
    if command:
        spec["command"] = command
    if call["no-healthcheck"] and any(name.startswith("health-") for name in call.given):
        raise UsageError("--no-healthcheck conflicts with --health-* flags", call.verb.words)
    if call["rm"] and spec.get("restart", {}).get("mode", "no") != "no":
        raise UsageError("--rm conflicts with --restart", call.verb.words)
    return spec


class IdFile:
    """``--cidfile``: made before the guest, so that an id is never lost to it, and gone again if there is no guest."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._written = False

    def __enter__(self) -> IdFile:
        if self._path is not None:
            try:
                os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
            except FileExistsError:
                from wirt.errors import Conflict

                raise Conflict(
                    f"the file for the id, {self._path}, is there already",
                    hint="remove it, if the guest it names is not in use any more",
                ) from None
        return self

    def write(self, guest_id: str) -> None:
        if self._path is not None:
            with open(self._path, "w") as file:
                file.write(guest_id)
            self._written = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._path is not None and not self._written:
            os.unlink(self._path)


def announce(created: dict[str, Any], id_file: IdFile) -> int:
    """Prints the id of a new guest, and what the daemon thinks its maker should know."""
    id_file.write(created["id"])
    show_warnings(created)
    print(created["id"])
    return 0


def show_warnings(answer: dict[str, Any]) -> None:
    """What the daemon thinks a person should know, on standard error."""
    for warning in answer.get("warnings") or ():
        print(f"wirt: warning: {warning}", file=sys.stderr)
