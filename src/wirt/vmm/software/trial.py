"""A tiny guest on the emulated processor, to be run in a process of its own: whoever only asks need not load it."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """A failure ends the process with one line that says it."""
    try:
        from wirt.vmm.software.machine import SoftwarePlatform

        SoftwarePlatform()
    except (ImportError, OSError) as error:
        sys.exit(str(error))
