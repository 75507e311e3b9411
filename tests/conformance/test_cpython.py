"""CPython's own tests, as Debian packages them: what passes natively passes in a micro guest.

Part of ``make conformance``: natively alone they take minutes. Native results are kept for as long as the root is.
"""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from framework.conformance import Command, GuestServer, Micro, Native, Runner
from framework.debian_root import CACHE, debian_root
from framework.platforms import expected_failures_of, require
from framework.programs import common_folder

_MODULES = (
    "test_os test_posix test_subprocess test_signal test_threading test_select test_selectors test_epoll test_pty "
    "test_mmap test_socket test_fcntl test_time test_io test_tempfile test_shutil test_multiprocessing_fork "
    "test_asyncio"
)
SECONDS = 1800.0
_SCRIPT = (
    "cd /tmp && python3 -B -m test -q --junit-xml /tmp/results.xml -u none -i '*ssl*' {module} >/tmp/log 2>&1; "
    "echo $? >&2; cat /tmp/results.xml || tail -n 50 /tmp/log >&2"
)


def results(runner: Runner, module: str) -> dict[str, str]:
    """Name of every test to "passed", "failed" or "skipped"."""
    lower = f"{common_folder()}:{debian_root()}"
    command = Command(module, lower, ("/bin/bash", "-c", _SCRIPT.format(module=module)), seconds=SECONDS)
    outcome = runner.run(command)
    assert outcome.out.startswith("<"), f"{module} came to no end: {outcome.status}\n{outcome.err[-2000:]}"
    report = ElementTree.fromstring(outcome.out)  # noqa: S314 - written by the tests that were run
    return {name: kind for case in report.iter("testcase") for name, kind in _judged(case)}


def _judged(case: ElementTree.Element) -> list[tuple[str, str]]:
    name = case.get("name", "").removeprefix("test.")
    if not name:
        return []
    bad = case.find("failure") is not None or case.find("error") is not None
    skipped = case.find("skipped") is not None or case.get("result") == "skipped"
    return [(name, "failed" if bad else "skipped" if skipped else "passed")]


def natively(module: str) -> dict[str, str]:
    kept = CACHE / "cpython" / f"{debian_root().parent.name[:16]}-{module}.json"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(json.dumps(results(Native(), module), indent=1, sort_keys=True), encoding="utf-8")
    found: dict[str, str] = json.loads(kept.read_text(encoding="utf-8"))
    return found


@pytest.mark.timeout(2 * SECONDS + 100)
@pytest.mark.parametrize("module", _MODULES.split())
def test_cpython_tests_pass_in_a_guest_where_they_pass_natively(module: str, server: GuestServer) -> None:
    require("kvm")
    native = natively(module)
    found = results(Micro("kvm", server), module)
    passed = {name for name, result in native.items() if result == "passed"}
    failed = {f"cpython/{name}" for name in passed if found.get(name) != "passed"}
    expected = {name for name in expected_failures_of("kvm") if name.startswith(f"cpython/{module}.")}
    assert sorted(failed - expected) == []
    assert sorted(expected - failed) == [], "these pass: take them out of expected_failures.toml"
