"""Real programs of Debian do in a guest what they do natively: shells, compilers, servers, databases, runtimes.

The quick ones always, the others with ``make conformance``.
"""

from __future__ import annotations

import os

import pytest

from framework.ahead import Ahead
from framework.conformance import difference
from framework.platforms import PLATFORMS, expected_failure, require
from framework.programs import Program, applications

SECONDS = dict.fromkeys(("native", *PLATFORMS), 100.0)
QUICK = ("curl", "dpkg", "gcc", "git", "make", "perl", "sqlite", "terminal")
EVERYTHING = os.environ.get("WIRT_CONFORMANCE") == "all"
CASES = [
    pytest.param(program, id=program.source.stem)
    for program in applications()
    if EVERYTHING or program.source.stem in QUICK
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("program", CASES)
def test_application_does_in_a_guest_what_it_does_natively(
    program: Program, platform: str, ahead: Ahead, request: pytest.FixtureRequest
) -> None:
    require(platform)
    reason = expected_failure(program.name, platform)
    if reason:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    expected = ahead.natively(program)
    assert expected.status == 0, f"{program.name} does not even run natively: {expected}"
    differs = difference(expected, ahead.as_guest(program, platform))
    assert not differs, f"\n{differs}"
