"""Real programs of Debian do in a guest what they do natively: shells, compilers, servers, databases, runtimes.

The quick ones always, all of them with ``make conformance``.
"""

from __future__ import annotations

import os

import pytest

from framework.ahead import Ahead
from framework.conformance import difference
from framework.platforms import PLATFORMS, expected_failure, require
from framework.programs import Program, applications

SECONDS = dict.fromkeys(("native", *PLATFORMS), 100.0)
EVERYTHING = os.environ.get("WIRT_CONFORMANCE") == "all"
# What a minute has room for
QUICK = {
    "kvm": ("curl", "dpkg", "gcc", "git", "make", "perl", "procps", "redis", "sqlite", "terminal"),
    "software": ("dpkg", "make", "sqlite"),
}
CASES = [
    pytest.param(program, platform, id=f"{program.source.stem}-{platform}")
    for platform in PLATFORMS
    for program in applications()
    if EVERYTHING or program.source.stem in QUICK[platform]
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("program", "platform"), CASES)
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
