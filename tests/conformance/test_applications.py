"""Real programs of Debian do in a guest what they do natively: shells, compilers, servers, databases, runtimes.

The quick ones always, the others with ``make conformance``.
"""

from __future__ import annotations

import functools
import os

import pytest

from framework.conformance import PLATFORMS, Micro, Native, Outcome, command_of, expected_failure, require
from framework.programs import Program, applications

SECONDS = 100.0
QUICK = ("curl", "dpkg", "gcc", "git", "make", "perl", "sqlite", "terminal")
EVERYTHING = os.environ.get("WIRT_CONFORMANCE") == "all"
CASES = [
    pytest.param(program, id=program.source.stem)
    for program in applications()
    if EVERYTHING or program.source.stem in QUICK
]


@functools.cache
def natively(program: Program) -> Outcome:
    outcome = Native().run(command_of(program, seconds=SECONDS))
    assert outcome.status == 0, f"{program.name} does not even run natively: {outcome}"
    return outcome


@pytest.mark.timeout(300)
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("program", CASES)
def test_application_does_in_a_guest_what_it_does_natively(
    program: Program, platform: str, request: pytest.FixtureRequest
) -> None:
    require(platform)
    reason = expected_failure(program.name, platform)
    if reason:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    expected = natively(program)
    assert Micro(platform).run(command_of(program, seconds=SECONDS)) == expected
