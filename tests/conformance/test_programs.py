"""Every conformance program does in a micro guest, on each platform, what it does natively."""

from __future__ import annotations

import functools

import pytest

from framework.conformance import PLATFORMS, Micro, Native, Outcome, command_of, expected_failure, require
from framework.programs import Program, programs

SECONDS = {"native": 20.0, "kvm": 40.0, "software": 100.0}
CASES = [pytest.param(program, id=program.name) for program in programs()]


@functools.cache
def natively(program: Program) -> Outcome:
    outcome = Native().run(command_of(program, seconds=SECONDS["native"]))
    assert outcome.status not in (None, 99, 125, 127), f"{program.name} cannot even be run natively: {outcome}"
    return outcome


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("program", CASES)
def test_program_does_in_a_guest_what_it_does_natively(
    program: Program, platform: str, request: pytest.FixtureRequest
) -> None:
    require(platform)
    reason = expected_failure(program.name, platform)
    if reason:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    expected = natively(program)
    found = Micro(platform).run(command_of(program, seconds=SECONDS[platform]))
    assert found == expected
