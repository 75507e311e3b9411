"""Which platform micro guests run on, and what is said of it."""

from __future__ import annotations

import pytest

from wirt.errors import Unavailable
from wirt.micro import choice, doctor
from wirt.micro.choice import AUTO, KVM, SOFTWARE, Choice
from wirt.model.finding import Finding, Level
from wirt.vmm.probe import probe_software

RUNS, RUNS_NOT = (Finding("x", level, "it was tried", "", "mend it") for level in (Level.OK, Level.NOTE))


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> dict[str, Finding]:
    """What trials find here; the test may change it."""
    found = {"kvm": RUNS, "software": RUNS}
    monkeypatch.setattr(choice, "probe", lambda: [found["kvm"]])
    monkeypatch.setattr(choice, "probe_software", lambda: found["software"])
    return found


@pytest.mark.parametrize(
    ("wanted", "kvm", "chosen"),
    [(AUTO, RUNS, KVM), (AUTO, RUNS_NOT, SOFTWARE), (KVM, RUNS, KVM), (SOFTWARE, RUNS, SOFTWARE)],
)
def test_choice_is_what_is_wanted_or_the_best(host: dict[str, Finding], wanted: str, kvm: Finding, chosen: str) -> None:
    host["kvm"] = kvm
    made = Choice(wanted)
    assert made.known() == ""
    assert made.platform() == chosen
    assert made.known() == (chosen if wanted == AUTO else f"{chosen}, as set")


def test_choice_of_software_for_want_of_kvm_is_said_once(
    host: dict[str, Finding], caplog: pytest.LogCaptureFixture
) -> None:
    host["kvm"] = RUNS_NOT
    made = Choice()
    assert made.news() == ()
    made.platform()
    made.platform()
    (said,) = made.news()
    assert "/dev/kvm: it was tried" in said
    assert made.news() == ()
    assert caplog.messages == [said]
    (finding,) = doctor.findings(made)
    assert (finding.level, finding.found) == (Level.NOTE, "they run on an emulated processor, as /dev/kvm runs none")


def test_choice_of_software_on_purpose_is_no_news(host: dict[str, Finding], caplog: pytest.LogCaptureFixture) -> None:
    made = Choice(SOFTWARE)
    made.platform()
    assert (made.news(), caplog.messages) == ((), [])


def test_choice_of_what_does_not_run_is_refused_and_says_why(host: dict[str, Finding]) -> None:
    host["kvm"] = RUNS_NOT
    with pytest.raises(Unavailable, match="/dev/kvm: it was tried") as caught:
        Choice(KVM).platform()
    assert "auto" in caught.value.hint
    host["software"] = RUNS_NOT
    with pytest.raises(Unavailable, match="/dev/kvm: it was tried; it was tried"):
        Choice().platform()
    (finding,) = doctor.findings(Choice(SOFTWARE))
    assert (finding.level, finding.remedy) == (Level.FAIL, "mend it")


def test_emulated_processor_is_tried_in_another_process() -> None:
    assert probe_software().level is Level.OK
