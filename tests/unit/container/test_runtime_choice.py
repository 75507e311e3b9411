"""Which runtime is chosen, among programs that say and do different things."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from wirt import errors
from wirt.container.runtime import OciRuntime, choose, probe_runtime
from wirt.host.cgroup import CgroupLayout
from wirt.kinds.facts import Facts

NOWHERE = CgroupLayout(())
NewRuntime = Callable[[str, str], str]


@pytest.fixture
def new_runtime(tmp_path: Path) -> NewRuntime:
    """A program in a runtime's place; it notes each time it is asked to run something."""

    def make(name: str, script: str) -> str:
        path = tmp_path / name
        notes = f'[ "$1" = --version ] && echo "{name} version 1" && exit 0\necho run >> {tmp_path}/{name}.calls\n'
        path.write_text(f"#!/bin/sh\n{notes}{script}\n")
        path.chmod(0o755)
        return str(path)

    return make


def test_the_first_that_works_is_chosen(tmp_path: Path, facts: Facts, new_runtime: NewRuntime) -> None:
    broken, good = new_runtime("broken", "echo no >&2; exit 1"), new_runtime("good", "exit 42")
    chosen = choose(tmp_path, facts, NOWHERE, ("not-there", broken, good))
    assert (chosen.name, chosen.path, chosen.version, chosen.view) == ("good", good, "good version 1", "")


def test_ending_well_is_no_proof_of_having_run_anything(tmp_path: Path, facts: Facts, new_runtime: NewRuntime) -> None:
    probe = probe_runtime(new_runtime("liar", "exit 0"), tmp_path, facts, NOWHERE)
    assert probe.runtime is None
    assert "ended with 0 and said nothing" in probe.words


def test_none_that_works_carries_everybodys_words(tmp_path: Path, facts: Facts, new_runtime: NewRuntime) -> None:
    broken = new_runtime("broken", "echo I do not like; echo this host >&2; exit 1")
    with pytest.raises(errors.Unavailable, match=r"not-there: not installed; .*broken: this host") as caught:
        choose(tmp_path, facts, NOWHERE, ("not-there", broken))
    assert "apt install" in caught.value.hint


def test_the_choice_is_remembered_until_a_program_changes(
    tmp_path: Path, facts: Facts, new_runtime: NewRuntime
) -> None:
    order = (new_runtime("good", "exit 42"),)
    calls = tmp_path / "good.calls"
    assert choose(tmp_path, facts, NOWHERE, order) == choose(tmp_path, facts, NOWHERE, order)
    assert calls.read_text() == "run\n"
    new_runtime("good", "exit 1")
    with pytest.raises(errors.Unavailable):
        choose(tmp_path, facts, NOWHERE, order)


def test_a_memory_that_makes_no_sense_is_forgotten(tmp_path: Path, facts: Facts, new_runtime: NewRuntime) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "oci-runtime.json").write_text("{]")
    assert choose(tmp_path, facts, NOWHERE, (new_runtime("good", "exit 42"),)).name == "good"


def test_a_trial_leaves_nothing(tmp_path: Path, facts: Facts, new_runtime: NewRuntime) -> None:
    probe_runtime(new_runtime("good", "exit 42"), tmp_path, facts, NOWHERE)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_machine_we_cannot_write_programs_for_is_told(tmp_path: Path, facts: Facts, new_runtime: NewRuntime) -> None:
    odd = dataclasses.replace(facts, machine="pdp11")
    assert "pdp11" in probe_runtime(new_runtime("good", "exit 42"), tmp_path, odd, NOWHERE).words


# -- command lines --------------------------------------------------------------------------------------------------


def test_runc_logs_as_json() -> None:
    command = OciRuntime("runc", "/sbin/runc").command("/r", "run", "x", log="/l")
    assert command == ("/sbin/runc", "--root=/r", "--log=/l", "--log-format=json", "run", "x")


def test_crun_logs_as_text() -> None:
    command = OciRuntime("crun", "/bin/crun").command("/r", "pause", "x", log="/l")
    assert command == ("/bin/crun", "--root=/r", "--log=file:/l", "pause", "x")
    assert OciRuntime("crun", "/bin/crun").command("/r", "pause", "x") == ("/bin/crun", "--root=/r", "pause", "x")


def test_a_view_goes_before_with_the_cgroup_to_join() -> None:
    crun = OciRuntime("crun", "/bin/crun", view="/v")
    assert crun.command("/r", "run", "x", procs="/p") == ("/v", "/p", "/bin/crun", "--root=/r", "run", "x")
    assert crun.command("/r", "kill", "x")[:2] == ("/v", "")
