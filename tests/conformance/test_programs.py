"""Every conformance program does in a micro guest, on each platform, what it does natively."""

from __future__ import annotations

import pytest

from framework.ahead import Ahead
from framework.conformance import GuestServer, difference
from framework.guest_server import DONE, FAILED, MADE
from framework.platforms import PLATFORMS, expected_failure, require
from framework.programs import Program, programs
from wirt.sentry.table import Support, collect
from wirt.vmm.vmi.abi import VMI_CALL_BASE

# Answered by the function library, without the sentry (docs/vmi.md).
_ANSWERED = {"getpid", "gettid", "getuid", "geteuid", "getgid", "getegid"}
_NEVER_RETURN = {"exit", "exit_group"}
_NEVER_SUCCEED = {"pause", "rt_sigsuspend"}  # they end with the signal that they wait for
# Their pages say so; or what they lack when they fail (descriptors, processes) their sisters' cases lack already.
_NEVER_FAIL = {
    *("alarm", "brk", "eventfd", "fork", "getpgrp", "getppid", "inotify_init", "munlockall", "personality"),
    *("rt_sigreturn", "sched_yield", "set_tid_address", "setfsgid", "setfsuid", "sync", "umask", "vfork"),
}
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


def test_programs_make_every_call_with_and_without_success(ahead: Ahead, server: GuestServer) -> None:
    if ahead.programs() != set(programs()):
        pytest.skip("not all programs were asked for")
    ahead.finish()
    calls = [call for call in collect().values() if call.support is not Support.NONE and call.number < VMI_CALL_BASE]
    made, done, failed = (server.made(mark) for mark in (MADE, DONE, FAILED))
    wanted = [call for call in calls if call.name not in _ANSWERED]
    quiet, good = _NEVER_RETURN | _NEVER_SUCCEED, _NEVER_RETURN | _NEVER_FAIL
    assert [call.name for call in wanted if call.number not in made] == []
    assert [call.name for call in wanted if call.number not in done and call.name not in quiet] == []
    assert [call.name for call in wanted if call.number not in failed and call.name not in good] == []
