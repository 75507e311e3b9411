"""Speaking to nft(8)."""

from __future__ import annotations

import subprocess

from wirt.errors import RuntimeFailure, Unavailable

__all__ = ["apply", "check"]

_PATIENCE = 20.0  # seconds; a transaction takes milliseconds, but it waits for other writers of rules


def apply(script: str) -> None:
    """Run ``script`` as one transaction. ``Unavailable`` without nft, ``RuntimeFailure`` with its words."""
    _run(["nft", "-f", "-"], script)


def check(script: str) -> None:
    """Let the kernel check ``script`` without doing it; errors as of ``apply``."""
    _run(["nft", "-c", "-f", "-"], script)


def _run(command: list[str], script: str) -> None:
    try:
        done = subprocess.run(
            command, input=script, capture_output=True, text=True, errors="replace", timeout=_PATIENCE, check=False
        )
    except FileNotFoundError as error:
        raise Unavailable("nft is not installed: guests have no network", hint="apt-get install nftables") from error
    except subprocess.TimeoutExpired as error:
        raise RuntimeFailure(f"nft did not answer within {_PATIENCE:.0f} s", hint="see wirt doctor") from error
    if done.returncode:
        raise RuntimeFailure(f"nft refused wirt's rules: {_first_line(done.stderr)}", hint="see wirt doctor")


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "it gave no reason")
