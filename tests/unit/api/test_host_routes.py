from __future__ import annotations

import errno
import json
import re
import time
import urllib.parse

import pytest
from prometheus_client.parser import text_string_to_metric_families

import wirt
from framework.memory_engine import MemoryEngine
from framework.serving import Serving
from wirt.model.host import Event


def test_version_and_ping_tell_who_answers(api: Serving) -> None:
    for path in ("/v1/version", "/v1/ping"):
        assert api.ask("GET", path).json["version"] == wirt.__version__


def test_info_and_doctor(api: Serving) -> None:
    assert api.ask("GET", "/v1/info").json["kinds"] == ["container", "micro", "machine"]
    assert api.ask("GET", "/v1/doctor").json[0]["level"] == "ok"


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v2/guests", 404), ("PATCH", "/v1/guests", 405)])
def test_unknown_paths_and_methods_have_the_usual_body(api: Serving, method: str, path: str, status: int) -> None:
    answer = api.ask(method, path)
    assert answer.status == status
    assert set(answer.json) == {"error", "message", "hint", "exit_code"}


def test_a_full_disk_is_507(api: Serving, engine: MemoryEngine) -> None:
    engine.failure = OSError(errno.ENOSPC, "No space left on device")
    answer = api.ask("GET", "/v1/info")
    engine.failure = None
    assert (answer.status, answer.json["error"], answer.json["message"]) == (507, "out_of_space", "the disk is full")


def test_a_bug_is_500_without_details(api: Serving, engine: MemoryEngine) -> None:
    engine.failure = ZeroDivisionError("secret")
    answer = api.ask("GET", "/v1/info")
    engine.failure = None
    assert (answer.status, answer.json["error"]) == (500, "runtime_failure")
    assert b"secret" not in answer.body


# -- events -----------------------------------------------------------------------------------------


def test_events_of_the_past_end(api: Serving, engine: MemoryEngine) -> None:
    engine.events.past = [Event(10.0, "guest", "start", "a"), Event(20.0, "guest", "die", "a")]
    assert [event["action"] for event in api.ask("GET", "/v1/events?follow=0&since=15").lines] == ["die"]
    assert [event["action"] for event in api.ask("GET", "/v1/events?follow=0&until=15").lines] == ["start"]


def test_events_follow_the_past_without_a_gap_or_a_repetition(api: Serving, engine: MemoryEngine) -> None:
    engine.events.past = [Event(10.0, "guest", "start", "a")]
    response = api.open("GET", "/v1/events?since=5")
    api.ask("POST", "/v1/guests", {"image": "busybox"})
    actions = [json.loads(response.readline())["action"] for _ in range(2)]
    assert actions == ["start", "create"]
    engine.events.unsubscribed.clear()
    response.close()
    assert engine.events.unsubscribed.wait(5)


def test_events_are_filtered(api: Serving, engine: MemoryEngine) -> None:
    response = api.open("GET", "/v1/events?filter=event%3Ddie")
    made = api.ask("POST", "/v1/guests/run", {"spec": {"image": "busybox"}}).json["id"]
    api.ask("POST", f"/v1/guests/{made}/kill")
    assert json.loads(response.readline())["action"] == "die"
    response.close()
    engine.guests.all.clear()


def test_events_with_an_unknown_filter_are_400(api: Serving) -> None:
    answer = api.ask("GET", "/v1/events?filter=colour%3Dred")
    assert (answer.status, answer.json["message"]) == (400, "events cannot be filtered by 'colour'")


def test_events_until_a_moment_end_by_themselves(api: Serving) -> None:
    until = time.time() + 0.1
    assert api.ask("GET", f"/v1/events?until={until}").body == b""
    assert time.time() >= until


def test_events_until_the_past_are_those_until_then(api: Serving, engine: MemoryEngine) -> None:
    engine.events.past = [Event(10.0, "guest", "start", "a"), Event(20.0, "guest", "die", "a")]
    for query, actions in (("until=15", ["start"]), ("since=15&until=30", ["die"]), ("until=0", [])):
        assert [event["action"] for event in api.ask("GET", f"/v1/events?{query}").lines] == actions, query


# -- metrics ----------------------------------------------------------------------------------------


def samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_count_guests_and_what_they_use(api: Serving, engine: MemoryEngine) -> None:
    made = api.ask("POST", "/v1/guests/run", {"spec": {"image": "busybox", "name": "m"}}).json["id"]
    api.ask("POST", "/v1/guests", {"image": "busybox"})
    found = samples(api.ask("GET", "/metrics").body.decode())
    engine.guests.all.clear()
    labels = (f"id={made[:12]}", "kind=container", "name=m")
    assert found["wirt_guests", "state=running"] == 1
    assert found["wirt_guests", "state=created"] == 1
    assert found["wirt_guests", "state=paused"] == 0
    assert found["wirt_guest_cpu_seconds_total", *labels] == 1.25
    assert found["wirt_guest_memory_usage_bytes", *labels] == 4096
    assert found["wirt_guest_network_receive_bytes_total", *labels] == 10
    assert found["wirt_build_info", f"version={wirt.__version__}"] == 1
    assert ("process_resident_memory_bytes",) in found


def test_metrics_time_operations(api: Serving) -> None:
    api.ask("GET", "/v1/images/none/json")
    found = samples(api.ask("GET", "/metrics").body.decode())
    labels = ("code=404", "operation=show_image")
    assert found["wirt_operation_duration_seconds_count", *labels] == 1
    assert found["wirt_operation_duration_seconds_bucket", "code=404", "le=+Inf", "operation=show_image"] == 1
    assert 0 < found["wirt_operation_duration_seconds_sum", *labels] < 5


def test_metrics_speak_openmetrics_when_asked(api: Serving) -> None:
    answer = api.ask("GET", "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.body.endswith(b"# EOF\n")


# -- documentation ----------------------------------------------------------------------------------


def test_openapi_describes_every_operation(api: Serving) -> None:
    schema = api.ask("GET", "/v1/openapi.json").json
    operations = [operation for methods in schema["paths"].values() for operation in methods.values()]
    assert len(operations) > 50
    for operation in operations:
        assert operation["description"], operation["operationId"]
        assert operation["responses"]["4XX"]["content"]["application/json"]["schema"]["$ref"].endswith("/Problem")
        assert "422" not in operation["responses"]
    body = schema["paths"]["/v1/guests"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/GuestSpec"}


def test_openapi_knows_every_parameter_name_by_its_wire_name(api: Serving) -> None:
    schema = api.ask("GET", "/v1/openapi.json").json
    names = {parameter["name"] for parameter in schema["paths"]["/v1/guests"]["get"]["parameters"]}
    assert names == {"all", "filter", "last", "size"}


def test_docs_page_fetches_nothing(api: Serving) -> None:
    answer = api.ask("GET", "/v1/docs")
    page = answer.body.decode()
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script" not in page
    assert not re.search(r"(src|href)='(https?:)?//", page)


def test_docs_page_links_only_to_what_is_on_it(api: Serving) -> None:
    page = api.ask("GET", "/v1/docs").body.decode()
    targets = {urllib.parse.unquote(name) for name in re.findall(r"href='#([^']+)'", page)}
    anchors = re.findall(r"id='([^']+)'", page)
    assert targets <= set(anchors)
    assert len(anchors) == len(set(anchors))
    assert {"create_guest", "GuestSpec"} <= targets
