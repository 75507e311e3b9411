from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from framework.memory_engine import IMAGE_ID, MemoryEngine
from framework.serving import Serving

NAME = "docker.io/library/busybox:latest"


@pytest.mark.parametrize("name", [NAME, NAME.replace("/", "%2F"), IMAGE_ID])
def test_image_names_may_have_slashes(api: Serving, name: str) -> None:
    view = api.ask("GET", f"/v1/images/{name}/json").json
    assert view["names"] == [name.replace("%2F", "/")]
    assert api.ask("GET", f"/v1/images/{name}/history").json[0]["created_by"] == name.replace("%2F", "/")


def test_image_unknown_is_404(api: Serving) -> None:
    answer = api.ask("GET", "/v1/images/a/b/json")
    assert (answer.status, answer.json["error"], answer.json["message"]) == (
        404,
        "image_not_found",
        "no such image: a/b",
    )


def test_images_are_listed(api: Serving) -> None:
    assert [image["id"] for image in api.ask("GET", "/v1/images").json] == [IMAGE_ID]


def test_image_tag_and_remove(api: Serving, engine: MemoryEngine) -> None:
    assert api.ask("POST", f"/v1/images/{NAME}/tag?target=x:1").status == 204
    answer = api.ask("DELETE", f"/v1/images/{NAME}?force=1")
    assert answer.json == {"untagged": [NAME], "deleted": [IMAGE_ID], "reclaimed": 10}
    assert engine.images.calls[-2:] == [("tag", NAME, "x:1"), ("remove", NAME, True)]


def test_images_pruned(api: Serving) -> None:
    assert api.ask("POST", "/v1/images/prune?all=1").json == {"untagged": [], "deleted": [], "reclaimed": 0}


def test_save_gives_an_archive(api: Serving) -> None:
    answer = api.ask("GET", f"/v1/images/save?name=busybox&name={NAME}&format=oci")
    assert answer.body == f"oci busybox,{NAME}".encode()


def test_save_of_an_unknown_image_is_404(api: Serving) -> None:
    assert api.ask("GET", "/v1/images/save?name=none").status == 404


def test_save_of_an_unknown_format_names_the_known_ones(api: Serving) -> None:
    answer = api.ask("GET", "/v1/images/save?name=busybox&format=zip")
    assert (answer.status, "'docker' or 'oci'" in answer.json["message"]) == (400, True)


def test_save_needs_a_name(api: Serving) -> None:
    assert api.ask("GET", "/v1/images/save").json["message"] == "the query parameter 'name' is missing"


def test_load_tells_progress_then_images(api: Serving) -> None:
    size = 3 << 20
    lines = api.ask("POST", "/v1/images/load", bytes(size)).lines
    assert lines[-1] == {"image": IMAGE_ID, "names": [f"size:{size}"]}
    done = [line["progress"]["done"] for line in lines[:-1]]
    assert done == sorted(done)
    assert done[-1] == size


def test_load_refused_at_once_is_an_error_status(api: Serving) -> None:
    answer = api.ask("POST", "/v1/images/load", b"bad" + bytes(3 << 20))
    assert (answer.status, answer.json["error"]) == (422, "corrupt_data")
    assert answer.json["hint"] == "make one with docker save"


def test_load_failing_later_says_so_in_its_last_line(api: Serving) -> None:
    last = api.ask("POST", "/v1/images/load", b"late" + bytes(1000)).lines[-1]
    assert (last["error"]["error"], last["error"]["message"]) == ("corrupt_data", "the second layer's digest is wrong")


def test_load_tells_progress_before_the_upload_has_ended(api: Serving) -> None:
    with api.connect() as sock:
        sock.sendall(b"POST /v1/images/load HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" + bytes(69999))
        answer = b""
        while b'"progress"' not in answer:
            answer += sock.recv(1000)
        assert answer.startswith(b"HTTP/1.1 200 ")
        sock.sendall(b"x")
        while not answer.endswith(b"\r\n0\r\n\r\n"):
            answer += sock.recv(1000)
    assert b"size:70000" in answer


def test_load_broken_off_by_its_client_fails(api: Serving, engine: MemoryEngine) -> None:
    with api.connect() as sock:
        sock.sendall(b"POST /v1/images/load HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" + bytes(60000))
        assert engine.images.loading.wait(5)
    assert api.ask("GET", "/v1/ping").status == 200


def test_load_in_chunks(api: Serving) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(10):
            yield bytes(1000)

    assert api.ask("POST", "/v1/images/load", chunks()).lines[-1]["names"] == ["size:10000"]


def test_import_passes_its_parameters(api: Serving, engine: MemoryEngine) -> None:
    lines = api.ask("POST", "/v1/images/import?name=x&change=CMD%20a&change=ENV%20b&message=m", b"12345").lines
    assert lines == [{"image": IMAGE_ID, "names": ["x"]}]
    assert engine.images.calls[-1] == ("import", "x", ("CMD a", "ENV b"), "m", 5)


def test_bootstrap_tells_progress_and_the_image(api: Serving) -> None:
    answer = api.ask("POST", "/v1/images/bootstrap", {"recipe": "debian:bookworm"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in answer.body.splitlines()] == [
        {"progress": {"task": "packages", "text": "debian:bookworm", "done": 1, "total": 2, "unit": "steps"}},
        {"image": IMAGE_ID, "names": ["debian:bookworm"]},
    ]


def test_bootstrap_refuses_unknown_fields(api: Serving) -> None:
    answer = api.ask("POST", "/v1/images/bootstrap", {"recipe": "x", "package": []})
    assert (answer.status, answer.json["hint"]) == (400, "did you mean 'packages'?")
