"""Names, filters, durations, signals, detach keys, settings, restart policies."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from wirt.engine.filters import keep, matches_label, truth
from wirt.engine.guests import check_signal
from wirt.engine.keepers import parse_detach_keys
from wirt.engine.listing import duration_text
from wirt.engine.names import check_name, invent_name
from wirt.engine.restarts import wants_restart
from wirt.engine.settings import Listen, Paths, Settings
from wirt.errors import InvalidInput
from wirt.model.guest import Guest, GuestSpec, RestartMode, RestartPolicy


def test_invented_names_are_good_and_free() -> None:
    taken = {invent_name(lambda _name: False) for _ in range(50)}
    fresh = invent_name(taken.__contains__)
    assert check_name(fresh) == fresh and fresh not in taken


def test_invented_names_do_not_run_out() -> None:
    assert invent_name(lambda name: not name.endswith("_7")).endswith("_7")


@pytest.mark.parametrize("name", ["", "-x", ".x", "a/b", "a b", "ü", "x" * 201])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot name a guest"):
        check_name(name)


def test_filters_any_of_one_name_all_of_several() -> None:
    tests = {"kind": lambda thing, value: value in thing, "label": lambda thing, value: value in thing}
    things = ["ab", "bc", "c"]
    assert keep(things, {"kind": ["a", "c"]}, tests, "things") == ["ab", "bc", "c"]
    assert keep(things, {"label": ["b", "c"]}, tests, "things") == ["bc"]
    assert keep(things, {"kind": ["a"], "label": ["b"]}, tests, "things") == ["ab"]
    with pytest.raises(InvalidInput, match="'x'"):
        keep(things, {"x": ["1"]}, tests, "things")


def test_labels_match_by_key_or_by_value() -> None:
    assert matches_label({"a": "1"}, "a") and matches_label({"a": "1"}, "a=1")
    assert not matches_label({"a": "1"}, "a=2") and not matches_label({"a": "1"}, "b")


def test_truth_reads_words_and_refuses_others() -> None:
    assert truth("true") and truth("1") and not truth("False")
    with pytest.raises(InvalidInput):
        truth("perhaps")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (3599, "59 minutes"),
        (7200, "2 hours"),
        (86400 * 3, "3 days"),
        (86400 * 15, "2 weeks"),
        (86400 * 90, "2 months"),
        (86400 * 800, "2 years"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("given", "name"), [("term", "SIGTERM"), ("SIGKILL", "SIGKILL"), ("15", "SIGTERM"), ("40", "40")]
)
def test_signals_by_name_and_number(given: str, name: str) -> None:
    assert check_signal(given) == name


@pytest.mark.parametrize("given", ["", "NOPE", "0", "99", "-1"])
def test_bad_signals_are_refused(given: str) -> None:
    with pytest.raises(InvalidInput, match="no signal"):
        check_signal(given)


def test_detach_keys_are_what_a_terminal_sends() -> None:
    assert parse_detach_keys("") == b"\x10\x11"
    assert parse_detach_keys("ctrl-@,x,ctrl-_") == b"\x00x\x1f"
    with pytest.raises(InvalidInput):
        parse_detach_keys("ctrl-p ctrl-q")


def policy(mode: RestartMode, retries: int = 0, **state: object) -> Guest:
    spec = GuestSpec("i", restart=RestartPolicy(mode, retries))
    guest = Guest("a" * 64, "n", spec, "sha256:1", 0.0, exit_code=1)
    return dataclasses.replace(guest, **state)  # type: ignore[arg-type]


def test_restart_policies_as_docker_has_them() -> None:
    assert wants_restart(policy(RestartMode.ALWAYS, exit_code=0))
    assert not wants_restart(policy(RestartMode.ALWAYS, stopped_by_user=True))
    assert not wants_restart(policy(RestartMode.NO))
    assert wants_restart(policy(RestartMode.ON_FAILURE, 3, restart_count=2))
    assert not wants_restart(policy(RestartMode.ON_FAILURE, 3, restart_count=3))
    assert not wants_restart(policy(RestartMode.ON_FAILURE, exit_code=0))


def test_settings_come_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('runtimes = ["runc"]\nlog_max_files = 2\n[listen]\naddress = "0.0.0.0:7777"\n')
    settings = Settings.load(file)
    assert (settings.runtimes, settings.log_max_files) == (("runc",), 2)
    assert settings.listen == Listen(address="0.0.0.0:7777")
    assert Settings.load(tmp_path / "none.toml") == Settings()


def test_platform_of_micro_guests_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[micro]\nplatform = "kvm"\n')
    assert Settings.load(file).micro.platform == "kvm"
    monkeypatch.setenv("WIRT_MICRO_PLATFORM", "software")
    assert Settings.load(file).micro.platform == "software"
    monkeypatch.setenv("WIRT_MICRO_PLATFORM", "abacus")
    with pytest.raises(InvalidInput, match="WIRT_MICRO_PLATFORM: there is no platform 'abacus'"):
        Settings.load(file)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour = 1", "unknown key colour"),
        ("log_max_size = 'big'", "log_max_size must be a int"),
        ("[listen]\nport = 1", "unknown key listen.port"),
        ("[micro]\nplatform = 'abacus'", "micro.platform: there is no platform 'abacus'"),
        ("= broken", "config.toml"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=says):
        Settings.load(file)


def test_instances_are_told_apart_by_their_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WIRT_STATE", str(tmp_path / "a"))
    monkeypatch.setenv("WIRT_RUN", "/tmp/r")
    first = Paths.from_environment()
    monkeypatch.setenv("WIRT_STATE", str(tmp_path / "b"))
    assert len(first.tag) == 6 and first.tag != Paths.from_environment().tag
    monkeypatch.setenv("WIRT_STATE", "/var/lib/wirt")
    assert Paths.from_environment().tag == ""


def test_a_run_folder_too_deep_for_sockets_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRT_RUN", "/tmp/" + "x" * 60)
    with pytest.raises(InvalidInput, match="too long"):
        Paths.from_environment()
