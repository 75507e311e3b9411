"""Every conformance program does in a micro guest, on each platform, what it does natively."""

from __future__ import annotations

import pytest

from framework.ahead import Ahead
from framework.conformance import difference
from framework.platforms import PLATFORMS, expected_failure, require
from framework.programs import Program, programs

SECONDS = {"native": 20.0, "kvm": 40.0, "software": 100.0}
CASES = [pytest.param(program, id=program.name) for program in programs()]


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("program", CASES)
def test_program_does_in_a_guest_what_it_does_natively(
    program: Program, platform: str, ahead: Ahead, request: pytest.FixtureRequest
) -> None:
    require(platform)
    reason = expected_failure(program.name, platform)
    if reason:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    expected = ahead.natively(program)
    assert expected.status not in (None, 99, 125, 127), f"{program.name} cannot even be run natively: {expected}"
    differs = difference(expected, ahead.as_guest(program, platform))
    assert not differs, f"\n{differs}"
