"""What ``wirt doctor`` says about containers."""

from __future__ import annotations

import dataclasses

from wirt.container.doctor import findings
from wirt.container.runtime import OciRuntime, Probe
from wirt.host.cgroup import CgroupLayout, Hierarchy
from wirt.kinds.facts import Facts
from wirt.model.finding import Level

V2 = CgroupLayout((Hierarchy("/sys/fs/cgroup", frozenset({"cpu", "cpuset", "memory", "pids", "io"}), unified=True),))
CRUN = Probe("crun", OciRuntime("crun", "/bin/crun", "crun version 1.8.1"))
RUNC = Probe("runc", OciRuntime("runc", "/sbin/runc", "runc version 1.1"))


def test_a_good_host_has_the_first_runtime_in_use(facts: Facts) -> None:
    found = {finding.subject: finding for finding in findings([CRUN, RUNC], facts, V2)}
    assert found["OCI runtime crun"].level is Level.OK
    assert found["OCI runtime crun"].meaning != found["OCI runtime runc"].meaning
    assert not [finding for finding in found.values() if finding.level is Level.FAIL]


def test_no_runtime_fails_with_a_remedy_and_everybodys_words(facts: Facts) -> None:
    made = findings([Probe("crun", None, "cgroups in hybrid mode not supported")], facts, V2)
    assert [finding.level for finding in made if finding.subject == "OCI runtime"] == [Level.FAIL]
    assert any("hybrid mode not supported" in finding.found for finding in made)
    assert any("apt install" in finding.remedy for finding in made)


def test_missing_controllers_are_named_with_what_is_lost(facts: Facts) -> None:
    poor = CgroupLayout((Hierarchy("/c", frozenset({"cpu", "memory", "pids", "blkio"})),))
    made = {finding.subject: finding for finding in findings([CRUN], facts, poor)}
    assert "--cpuset-cpus" in made["cgroup controller cpuset"].meaning
    assert "cgroup controller io" not in made


def test_no_cgroups_at_all_is_a_failure(facts: Facts) -> None:
    made = {finding.subject: finding for finding in findings([CRUN], facts, CgroupLayout(()))}
    assert made["cgroups"].level is Level.FAIL


def test_swap_accounting_is_noted_where_it_is_off(facts: Facts) -> None:
    bare = dataclasses.replace(facts, swap_accounting=False)
    assert "swap accounting" in {finding.subject for finding in findings([CRUN], bare, V2)}
    assert "swap accounting" not in {finding.subject for finding in findings([CRUN], facts, V2)}
