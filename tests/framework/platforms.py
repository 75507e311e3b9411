"""Where micro guests can be run on this host, and what is known to fail there."""

from __future__ import annotations

import functools
import importlib.util
import tomllib

import pytest

from framework.programs import PLACE
from wirt.model.finding import Level
from wirt.vmm.probe import probe

__all__ = ["PLATFORMS", "absent", "expected_failure", "expected_failures", "expected_failures_of", "require"]

PLATFORMS = ("kvm", "software")
_EXPECTED = PLACE / "expected_failures.toml"


@functools.cache
def absent(platform: str) -> str:
    """Why a platform cannot be used here; empty when it can."""
    if platform == "kvm":
        finding = probe()[0]
        return "" if finding.level is Level.OK else f"no KVM that runs guests: {finding.found}"
    if importlib.util.find_spec("wirt.vmm.software") is None:
        return "this wirt has no software platform"
    return "" if importlib.util.find_spec("unicorn") else "no software platform: the package unicorn is not installed"


def require(platform: str) -> None:
    """Skips a test where its platform cannot be; where it can, nothing is skipped."""
    reason = absent(platform)
    if reason:
        pytest.skip(reason)


@functools.cache
def expected_failures() -> dict[str, dict[str, str]]:
    """By name of the case: what is different on each platform ("kvm", "software"), and what "native" is."""
    with _EXPECTED.open("rb") as file:
        return tomllib.load(file)


def expected_failures_of(platform: str) -> set[str]:
    """The names of all that is expected to fail on the platform."""
    return {name for name, reasons in expected_failures().items() if platform in reasons}


def expected_failure(name: str, platform: str) -> str | None:
    """Why the case fails on the platform, if it is known to."""
    return expected_failures().get(name, {}).get(platform)
