"""Volumes that are a mount: what ``type``, ``o`` and ``device`` say, done by mount(8), which knows them all."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

from wirt.errors import InvalidInput, RuntimeFailure, Unavailable

__all__ = ["mount_device", "validate"]

_OPTIONS = ("type", "o", "device")
_PATIENCE = 60  # seconds: a server that does not answer must not hold a guest's start for ever


def validate(options: Mapping[str, str]) -> None:
    """Raises InvalidInput unless ``options`` are those of a plain volume (none) or of one that can be mounted."""
    for name in options:
        if name not in _OPTIONS:
            raise InvalidInput(f"a local volume has no option {name!r}", hint=f"the options are {', '.join(_OPTIONS)}")
    for name in ("type", "device"):
        if options and not options.get(name):
            raise InvalidInput(
                f"a volume with mount options needs {name} too",
                hint="as in -o type=tmpfs -o device=tmpfs -o o=size=64m",
            )


def mount_device(options: Mapping[str, str], target: str) -> None:
    """mount(8) as ``options`` say. Raises RuntimeFailure with its own words."""
    arguments = ["-t", options["type"], *(["-o", options["o"]] if options.get("o") else [])]
    try:
        done = subprocess.run(
            ["mount", *arguments, "--", options["device"], target],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=False,
        )
    except FileNotFoundError as error:
        raise Unavailable("mount(8) is not installed", hint="apt install mount") from error
    except subprocess.TimeoutExpired as error:
        raise RuntimeFailure(f"mounting {options['device']} took longer than {_PATIENCE} s") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
        raise RuntimeFailure(
            f"cannot mount {options['device']}: {said[0]}", hint="check type, o and device of the volume"
        )
