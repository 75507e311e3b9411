from __future__ import annotations

from framework.memory_engine import MemoryEngine
from framework.serving import Serving


def test_network_is_made_shown_and_removed(api: Serving) -> None:
    made = api.ask("POST", "/v1/networks", {"name": "lan", "subnet": "10.1.0.0/24"})
    assert (made.status, made.json["subnet"]) == (201, "10.1.0.0/24")
    assert [each["name"] for each in api.ask("GET", "/v1/networks").json] == ["bridge", "lan"]
    assert api.ask("GET", "/v1/networks/lan").json["guests"] == {}
    assert api.ask("DELETE", "/v1/networks/lan").status == 204
    assert api.ask("GET", "/v1/networks/lan").json["error"] == "not_found"


def test_network_connect_and_disconnect(api: Serving, engine: MemoryEngine) -> None:
    body = {"guest": "web", "aliases": ["db"], "ip": "10.1.0.9"}
    assert api.ask("POST", "/v1/networks/bridge/connect", body).status == 204
    assert api.ask("POST", "/v1/networks/bridge/disconnect", {"guest": "web", "force": True}).status == 204
    assert engine.networks.calls == [
        ("connect", "bridge", "web", ("db",), "10.1.0.9"),
        ("disconnect", "bridge", "web", True),
    ]


def test_network_prune(api: Serving) -> None:
    assert api.ask("POST", "/v1/networks/prune").json == {"deleted": [], "reclaimed": 0}


def test_volume_is_made_shown_and_removed(api: Serving) -> None:
    made = api.ask("POST", "/v1/volumes", {"name": "data", "labels": {"a": "b"}})
    assert (made.status, made.json["labels"]) == (201, {"a": "b"})
    assert api.ask("GET", "/v1/volumes/data").json["mountpoint"] == "/volumes/data"
    assert [each["name"] for each in api.ask("GET", "/v1/volumes?filter=name%3Ddata").json] == ["data"]
    assert api.ask("DELETE", "/v1/volumes/data").status == 204
    assert api.ask("DELETE", "/v1/volumes/data").status == 404
    assert api.ask("DELETE", "/v1/volumes/data?force=1").status == 204


def test_volume_prune(api: Serving) -> None:
    api.ask("POST", "/v1/volumes", {})
    assert api.ask("POST", "/v1/volumes/prune?all=1").json["deleted"] == ["anonymous"]


def test_volume_with_an_unknown_field_is_400(api: Serving) -> None:
    assert api.ask("POST", "/v1/volumes", {"nam": "x"}).json["hint"] == "did you mean 'name'?"
