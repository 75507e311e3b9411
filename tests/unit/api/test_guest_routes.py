from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from framework.memory_engine import IMAGE_ID, MemoryEngine, MemoryGuest
from framework.serving import Serving
from wirt.keeper.frames import FrameReader, FrameType
from wirt.model.guest import GuestState, Resources, RestartMode, RestartPolicy
from wirt.model.wire import CommitOptions, LogQuery


@pytest.fixture
def guest(api: Serving, engine: MemoryEngine) -> Iterator[MemoryGuest]:
    """A running guest named "web"."""
    made = api.ask("POST", "/v1/guests/run", {"spec": {"image": "busybox", "name": "web", "command": ["serve"]}})
    assert made.status == 201, made
    engine.guests.cancelled.clear()
    yield engine.guests.all[made.json["id"]]
    engine.guests.all.clear()
    engine.guests.calls.clear()


def error(answer: Any) -> tuple[int, str, str]:
    assert set(answer.json) == {"error", "message", "hint", "exit_code"}
    assert answer.headers["content-type"] == "application/json"
    return answer.status, answer.json["error"], answer.json["message"]


# -- making -----------------------------------------------------------------------------------------


def test_create_answers_201_with_id_and_warnings(api: Serving, engine: MemoryEngine) -> None:
    answer = api.ask("POST", "/v1/guests", {"image": "busybox", "privileged": True})
    assert answer.status == 201
    assert answer.json == {"id": next(iter(engine.guests.all)), "warnings": ["a warning"]}
    assert engine.guests.all.popitem()[1].state is GuestState.CREATED


def test_create_with_an_unknown_image_is_404(api: Serving) -> None:
    assert error(api.ask("POST", "/v1/guests", {"image": "nope"})) == (404, "image_not_found", "no such image: nope")


def test_create_with_a_taken_name_is_409(api: Serving, guest: MemoryGuest) -> None:
    answer = api.ask("POST", "/v1/guests", {"image": "busybox", "name": "web"})
    assert error(answer) == (409, "conflict", "the name web is taken")
    assert answer.json["hint"] == "choose another"


def test_create_with_an_unknown_field_is_400(api: Serving) -> None:
    answer = api.ask("POST", "/v1/guests", {"image": "busybox", "resources": {"memry": 1}})
    assert error(answer) == (400, "invalid_input", "unknown field 'resources.memry'")


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", ""])
def test_create_with_malformed_json_is_400_in_one_line(api: Serving, kind: str) -> None:
    answer = api.ask("POST", "/v1/guests", b'{"image": \n\n', {"Content-Type": kind} if kind else {})
    status, name, message = error(answer)
    assert (status, name) == (400, "invalid_input")
    assert message.startswith("the body is not JSON: ")
    assert "\n" not in message


def test_create_takes_json_whatever_the_content_type_says(api: Serving, engine: MemoryEngine) -> None:
    answer = api.ask(
        "POST", "/v1/guests", b'{"image":"busybox"}', {"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status == 201
    engine.guests.all.clear()


def test_create_without_a_body_is_400(api: Serving) -> None:
    assert error(api.ask("POST", "/v1/guests")) == (400, "invalid_input", "the body is empty")


def test_run_without_upgrade_starts_the_guest(guest: MemoryGuest) -> None:
    assert guest.state is GuestState.RUNNING


def test_attach_without_upgrade_is_400(api: Serving, guest: MemoryGuest) -> None:
    answer = api.ask("POST", "/v1/guests/web/attach", {})
    assert error(answer)[:2] == (400, "invalid_input")
    assert answer.json["hint"] == "send 'Upgrade: wirt'"


def test_exec_without_upgrade_runs_detached(api: Serving, guest: MemoryGuest, engine: MemoryEngine) -> None:
    answer = api.ask("POST", "/v1/guests/web/exec", {"spec": {"command": ["ls"]}})
    assert (answer.status, answer.json) == (201, {"id": "e" * 64})
    assert engine.guests.calls[-1][1].command == ("ls",)  # type: ignore[attr-defined]


# -- looking ----------------------------------------------------------------------------------------


def test_list_passes_its_parameters(api: Serving, guest: MemoryGuest, engine: MemoryEngine) -> None:
    answer = api.ask("GET", "/v1/guests?all=1&filter=name%3Dweb&filter=label%3Da%3Db&last=3&size=true")
    assert [each["name"] for each in answer.json] == ["web"]
    assert engine.guests.calls[-1] == ("list", True, {"name": ["web"], "label": ["a=b"]}, 3, True)


def test_list_with_an_unknown_filter_names_the_known_ones(api: Serving) -> None:
    answer = api.ask("GET", "/v1/guests?filter=colour%3Dred")
    assert error(answer) == (400, "invalid_input", "guests cannot be filtered by 'colour'")
    assert answer.json["hint"] == "use name, label"


def test_list_with_an_unknown_parameter_is_400(api: Serving) -> None:
    answer = api.ask("GET", "/v1/guests?al=1")
    assert error(answer) == (400, "invalid_input", "unknown parameter 'al'")
    assert answer.json["hint"] == "known are all, filter, last, size"


@pytest.mark.parametrize("query", ["last=many", "last=-1", "all=perhaps"])
def test_list_with_a_bad_value_names_the_parameter(api: Serving, query: str) -> None:
    status, name, message = error(api.ask("GET", f"/v1/guests?{query}"))
    assert (status, name) == (400, "invalid_input")
    assert message.startswith(f"query parameter {query.split('=', maxsplit=1)[0]!r}: input should be")


def test_view_shows_the_whole_guest(api: Serving, guest: MemoryGuest) -> None:
    view = api.ask("GET", f"/v1/guests/{guest.id[:8]}").json
    assert (view["name"], view["kind"], view["state"]["running"]) == ("web", "container", True)
    assert view["config"]["command"] == ["serve"]
    assert view["size_rw"] is None


def test_view_of_no_guest_is_404_with_a_hint(api: Serving) -> None:
    answer = api.ask("GET", "/v1/guests/nobody")
    assert error(answer) == (404, "not_found", "no such guest: nobody")
    assert answer.json["hint"] == "wirt ps -a lists them"


def test_top_passes_ps_arguments(api: Serving, guest: MemoryGuest) -> None:
    assert api.ask("GET", "/v1/guests/web/top?args=-ef").json == {"titles": ["PID", "CMD"], "processes": [["1", "-ef"]]}


def test_changes_are_listed(api: Serving, guest: MemoryGuest) -> None:
    guest.files["/etc/x"] = b""
    assert api.ask("GET", "/v1/guests/web/changes").json == [{"kind": "A", "path": "/etc/x"}]


# -- acting -----------------------------------------------------------------------------------------


def test_stop_passes_timeout_and_signal(api: Serving, guest: MemoryGuest, engine: MemoryEngine) -> None:
    answer = api.ask("POST", "/v1/guests/web/stop?timeout=2.5&signal=SIGINT")
    assert (answer.status, answer.body) == (204, b"")
    assert engine.guests.calls[-1] == ("stop", "web", 2.5, "SIGINT")


def test_verbs_without_an_answer_are_204(api: Serving, guest: MemoryGuest) -> None:
    for verb in ("pause", "unpause", "restart?timeout=0", "kill?signal=9", "start", "rename?name=two"):
        assert api.ask("POST", f"/v1/guests/{guest.id}/{verb}").status == 204
    assert guest.spec.name == "two"


def test_update_changes_limits_and_restart(api: Serving, guest: MemoryGuest) -> None:
    body = {"memory": 1 << 20, "cpus": 1, "restart": {"mode": "on-failure", "max_retries": 3}}
    answer = api.ask("POST", "/v1/guests/web/update", body)
    assert (answer.status, answer.json) == (200, {"warnings": []})
    assert guest.spec.resources == Resources(memory=1 << 20, cpus=1.0)
    assert type(guest.spec.resources) is Resources
    assert guest.restart == RestartPolicy(RestartMode.ON_FAILURE, 3)


def test_resize_needs_both_sizes(api: Serving, guest: MemoryGuest) -> None:
    assert api.ask("POST", "/v1/guests/web/resize?rows=24&cols=80").status == 204
    assert guest.size == (24, 80)
    answer = api.ask("POST", "/v1/guests/web/resize?rows=24")
    assert error(answer) == (400, "invalid_input", "the query parameter 'cols' is missing")


def test_remove_passes_force_and_volumes(api: Serving, guest: MemoryGuest, engine: MemoryEngine) -> None:
    assert error(api.ask("DELETE", "/v1/guests/web"))[:2] == (409, "conflict")
    assert api.ask("DELETE", "/v1/guests/web?force=1&volumes=1").status == 204
    assert engine.guests.calls[-1] == ("remove", "web", True, True)


def test_commit_gives_the_images_id(api: Serving, guest: MemoryGuest, engine: MemoryEngine) -> None:
    answer = api.ask("POST", "/v1/guests/web/commit", {"name": "mine", "changes": ["CMD x"]})
    assert (answer.status, answer.json) == (201, {"id": IMAGE_ID})
    assert engine.guests.calls[-1] == ("commit", CommitOptions("mine", changes=("CMD x",)))


def test_prune_tells_what_went(api: Serving, guest: MemoryGuest) -> None:
    api.ask("POST", "/v1/guests/web/stop")
    assert api.ask("POST", "/v1/guests/prune").json == {"deleted": [guest.id], "reclaimed": 12}


def test_wait_answers_when_the_guest_ends(api: Serving, guest: MemoryGuest) -> None:
    waiting = api.open("POST", "/v1/guests/web/stop") and api.open("POST", "/v1/guests/web/wait")
    assert json.loads(waiting.read()) == {"exit_code": 0}


def test_wait_is_given_up_when_its_client_leaves(api: Serving, guest: MemoryGuest, engine: MemoryEngine) -> None:
    with api.connect() as sock:
        sock.sendall(b"POST /v1/guests/web/wait?condition=next-exit HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        api.ask("GET", "/v1/ping")  # behind it on the loop
    assert engine.guests.cancelled.wait(5)


# -- streams ----------------------------------------------------------------------------------------


def frames(body: bytes) -> list[tuple[FrameType, bytes]]:
    return FrameReader().feed(body)


def test_logs_are_frames(api: Serving, guest: MemoryGuest, engine: MemoryEngine) -> None:
    answer = api.ask("GET", "/v1/guests/web/logs?tail=5&since=1.5&timestamps=1")
    assert answer.headers["content-type"] == "application/vnd.wirt.frames"
    assert frames(answer.body) == [(FrameType.STDOUT, b"out\n"), (FrameType.STDERR, b"err\n")]
    assert engine.guests.calls[-1] == ("logs", LogQuery(tail=5, since=1.5, timestamps=True))


def test_logs_of_no_guest_are_404(api: Serving) -> None:
    assert error(api.ask("GET", "/v1/guests/nobody/logs?follow=1"))[:2] == (404, "not_found")


def test_logs_followed_end_when_the_client_leaves(api: Serving, guest: MemoryGuest, engine: MemoryEngine) -> None:
    response = api.open("GET", "/v1/guests/web/logs?follow=1")
    assert response.read(100_000)
    assert not engine.guests.cancelled.is_set()
    response.close()
    assert engine.guests.cancelled.wait(5)


def test_stats_of_one_guest_are_samples(api: Serving, guest: MemoryGuest) -> None:
    (sample,) = api.ask("GET", "/v1/guests/web/stats?stream=0").lines
    assert (sample["name"], sample["cpu_seconds"]) == ("web", 1.25)


def test_stats_of_all_guests_are_lists(api: Serving, guest: MemoryGuest) -> None:
    (samples,) = api.ask("GET", "/v1/guests/stats?stream=0").lines
    assert [sample["name"] for sample in samples] == ["web"]
    (samples,) = api.ask("GET", "/v1/guests/stats?stream=0&ref=web&ref=web").lines
    assert len(samples) == 2


def test_stats_streamed_end_when_the_client_leaves(api: Serving, guest: MemoryGuest, engine: MemoryEngine) -> None:
    response = api.open("GET", "/v1/guests/web/stats")
    assert [json.loads(response.readline())["name"] for _ in range(3)] == ["web"] * 3
    response.close()
    assert engine.guests.cancelled.wait(5)


# -- files ------------------------------------------------------------------------------------------


def test_archive_goes_in_and_out(api: Serving, guest: MemoryGuest) -> None:
    body = bytes(range(256)) * (1 << 14)
    chunks = (body[start : start + 100_000] for start in range(0, len(body), 100_000))
    assert api.ask("PUT", "/v1/guests/web/archive?path=/f", chunks).status == 204
    answer = api.ask("GET", "/v1/guests/web/archive?path=/f")
    assert answer.headers["content-type"] == "application/x-tar"
    assert answer.body == body
    stat = {"name": "f", "size": len(body), "mode": 0o100644, "mtime": 1.5, "link_target": ""}
    assert json.loads(answer.headers["wirt-path-stat"]) == stat


def test_archive_head_only_tells_the_stat(api: Serving, guest: MemoryGuest) -> None:
    guest.files["/ü\n"] = b"12"
    answer = api.ask("HEAD", "/v1/guests/web/archive?path=/%C3%BC%0A")
    assert (answer.status, answer.body) == (200, b"")
    assert json.loads(answer.headers["wirt-path-stat"])["name"] == "ü\n"


def test_archive_of_no_path_is_404(api: Serving, guest: MemoryGuest) -> None:
    assert error(api.ask("GET", "/v1/guests/web/archive?path=/none"))[:2] == (404, "not_found")
    assert api.ask("HEAD", "/v1/guests/web/archive?path=/none").status == 404


def test_archive_into_no_guest_is_404_before_the_body_is_sent(api: Serving) -> None:
    with api.connect() as sock:
        sock.sendall(b"PUT /v1/guests/nobody/archive?path=/f HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 404 ")


def test_archive_reader_may_end_before_the_body(api: Serving, guest: MemoryGuest) -> None:
    answer = api.ask("PUT", "/v1/guests/web/archive?path=/f", io.BytesIO(b"stop" + bytes(5 << 20)))
    assert (answer.status, guest.files["/f"]) == (204, b"stop")


def test_archive_upload_broken_off_changes_nothing(api: Serving, guest: MemoryGuest) -> None:
    with api.connect() as sock:
        sock.sendall(b"PUT /v1/guests/web/archive?path=/f HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nhalf")
        api.ask("GET", "/v1/ping")
    api.ask("GET", "/v1/ping")
    assert "/f" not in guest.files


def test_export_streams_the_guest(api: Serving, guest: MemoryGuest) -> None:
    assert api.ask("GET", "/v1/guests/web/export").body == b"everything"


def test_download_stops_when_the_client_leaves(api: Serving, guest: MemoryGuest, engine: MemoryEngine) -> None:
    guest.files["/endless"] = b""
    response = api.open("GET", "/v1/guests/web/archive?path=/endless")
    assert response.read(1 << 20)
    response.close()
    assert engine.guests.cancelled.wait(5)


def test_download_that_fails_late_is_cut_off(api: Serving, guest: MemoryGuest) -> None:
    guest.files["/broken"] = b""
    response = api.open("GET", "/v1/guests/web/archive?path=/broken")
    with pytest.raises(Exception, match="IncompleteRead"):
        response.read()
