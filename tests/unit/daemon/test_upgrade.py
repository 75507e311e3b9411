from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framework.memory_engine import MemoryEngine
from framework.serving import Serving
from framework.wire import read_frames, read_head, request, run_request
from wirt.api.bounded import MAX_BODY
from wirt.daemon.protocol import MAX_HEAD
from wirt.keeper.frames import FrameType, encode

PING = request("GET", "/v1/ping")
INPUT = encode(FrameType.STDIN, b"some input") + encode(FrameType.STDIN)


def talk(sock: socket.socket) -> tuple[bytes, int | None]:
    """Frames after the 101: a line of input, then all output."""
    sock.sendall(INPUT)
    return read_frames(sock)


def test_upgrade_answers_101_with_the_guests_id(serving: Serving, engine: MemoryEngine) -> None:
    with serving.connect() as sock:
        sock.sendall(run_request("echo", "hi"))
        status, headers, _ = read_head(sock)
        assert (status, headers["upgrade"], headers["connection"]) == (101, "wirt", "Upgrade")
        assert headers["wirt-guest"] in engine.guests.all
        assert talk(sock) == (b"echo hisome input", 0)


def test_upgrade_tells_what_the_guests_maker_should_know(serving: Serving) -> None:
    for privileged in (False, True):
        with serving.connect() as sock:
            sock.sendall(run_request("true", privileged=privileged))
            _, headers, _ = read_head(sock)
            assert headers.get("wirt-warnings") == ('["a warning"]' if privileged else None)
            assert talk(sock) == (b"truesome input", 0)


def test_upgrade_passes_the_exit_code(serving: Serving) -> None:
    with serving.connect() as sock:
        sock.sendall(run_request("exit", "7", stdin=False))
        assert read_head(sock)[0] == 101
        assert read_frames(sock) == (b"exit 7", 7)


def test_upgrade_may_be_a_later_request_of_a_connection(serving: Serving) -> None:
    with serving.connect() as sock:
        for _ in range(3):
            sock.sendall(PING)
            assert read_head(sock)[0] == 200
        sock.sendall(run_request("late"))
        assert read_head(sock)[0] == 101
        assert talk(sock) == (b"latesome input", 0)


def test_upgrade_behind_unanswered_requests_waits_for_their_answers(serving: Serving) -> None:
    with serving.connect() as sock:
        sock.sendall(PING + PING + run_request("piped"))
        assert [read_head(sock)[0] for _ in range(3)] == [200, 200, 101]
        assert talk(sock) == (b"pipedsome input", 0)


def test_upgrade_of_attach_and_exec(serving: Serving) -> None:
    made = serving.ask("POST", "/v1/guests/run", {"spec": {"image": "busybox", "name": "up", "command": ["main"]}})
    for target, body, greeting in [
        ("/v1/guests/up/attach", {"stdin": True}, b"main"),
        (f"/v1/guests/{made.json['id'][:12]}/exec", {"spec": {"command": ["ls"], "open_stdin": True}}, b"ls"),
    ]:
        with serving.connect() as sock:
            sock.sendall(request("POST", target, body, Connection="keep-alive, Upgrade", Upgrade="wirt"))
            assert read_head(sock)[1]["wirt-guest"] == made.json["id"]
            assert talk(sock) == (greeting + b"some input", 0)
    serving.ask("DELETE", "/v1/guests/up?force=1")


@given(cuts=st.lists(st.integers(0, 600), max_size=8), before=st.integers(0, 2))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_upgrade_does_not_depend_on_how_packets_are_cut(serving: Serving, cuts: list[int], before: int) -> None:
    sent = PING * before + run_request("a", "b")
    marks = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    with serving.connect() as sock:
        for start, end in itertools.pairwise(marks):
            sock.sendall(sent[start:end])
            time.sleep(0)  # the other thread may read
        assert [read_head(sock)[0] for _ in range(before + 1)] == [200] * before + [101]
        assert talk(sock) == (b"a bsome input", 0)


def test_upgrade_byte_by_byte(serving: Serving) -> None:
    with serving.connect() as sock:
        for byte in run_request("x"):
            sock.sendall(bytes([byte]))
        assert read_head(sock)[0] == 101
        assert talk(sock) == (b"xsome input", 0)


def test_upgrade_that_asks_to_continue_is_told_to(serving: Serving) -> None:
    head, _, body = run_request("expecting", Expect="100-continue").partition(b"\r\n\r\n")
    with serving.connect() as sock:
        sock.sendall(head + b"\r\n\r\n")
        assert read_head(sock)[0] == 100
        sock.sendall(body)
        assert read_head(sock)[0] == 101
        assert talk(sock) == (b"expectingsome input", 0)


# -- refusals ---------------------------------------------------------------------------------------


def test_upgrade_with_bytes_behind_it_is_refused(serving: Serving) -> None:
    with serving.connect() as sock:
        sock.sendall(run_request("x") + INPUT)
        status, _, body = read_head(sock)
        assert (status, json.loads(body)["message"]) == (400, "bytes follow the request")
        assert sock.recv(1) == b""


def test_upgrade_refused_leaves_the_connection_usable(serving: Serving) -> None:
    with serving.connect() as sock:
        for body, status, error in [
            ({"spec": {"image": "none"}}, 404, "image_not_found"),
            ({"spec": {"image": "busybox", "nme": "x"}}, 400, "invalid_input"),
            ([], 400, "invalid_input"),
        ]:
            sock.sendall(request("POST", "/v1/guests/run", body, Connection="Upgrade", Upgrade="wirt"))
            given, headers, answer = read_head(sock)
            assert (given, headers["content-type"], json.loads(answer)["error"]) == (status, "application/json", error)
        sock.sendall(PING)
        assert read_head(sock)[0] == 200
        sock.sendall(run_request("x"))
        assert read_head(sock)[0] == 101
        assert talk(sock) == (b"xsome input", 0)


def test_upgrade_with_too_large_a_body_is_refused(serving: Serving) -> None:
    size = MAX_BODY + 1
    head = f"POST /v1/guests/run HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: wirt\r\nContent-Length: {size}\r\n\r\n"
    with serving.connect() as sock:
        sock.sendall(head.encode())
        threading.Thread(target=send_quietly, args=(sock, bytes(size)), daemon=True).start()
        status, _, body = read_head(sock)
        assert (status, "larger than" in json.loads(body)["message"]) == (413, True)


def send_quietly(sock: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):  # the server may have heard enough
        sock.sendall(data)


def test_upgrade_with_a_chunked_body_is_refused(serving: Serving) -> None:
    with serving.connect() as sock:
        chunked = b"\r\nTransfer-Encoding: chunked\r\n"
        sock.sendall(run_request("x").replace(b"\r\nContent-Length", chunked + b"X-Length", 1))
        status, _, body = read_head(sock)
        assert (status, json.loads(body)["hint"]) == (400, "send its Content-Length")


def test_upgrade_to_something_unknown_is_ignored(serving: Serving) -> None:
    with serving.connect() as sock:
        sock.sendall(request("GET", "/v1/ping", Connection="Upgrade, HTTP2-Settings", Upgrade="h2c") + PING)
        assert [read_head(sock)[0] for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("target", ["/v1/guests", "/v1/nothing", "/v1/guests/x/start"])
def test_upgrade_where_there_is_none_is_answered_as_usual(serving: Serving, target: str) -> None:
    with serving.connect() as sock:
        sock.sendall(request("POST", target, {}, Connection="Upgrade", Upgrade="wirt", Content_Type="application/json"))
        status, _, body = read_head(sock)
        assert status in (400, 404)
        assert set(json.loads(body)) == {"error", "message", "hint", "exit_code"}


def test_upgrade_whose_client_has_left_ends_in_order(serving: Serving, engine: MemoryEngine) -> None:
    with serving.connect() as sock:
        sock.sendall(run_request("x"))
    deadline = time.monotonic() + 5
    while engine.guests.all and time.monotonic() < deadline:
        assert serving.ask("GET", "/v1/ping").status == 200
    assert not engine.guests.all


# -- what is no HTTP --------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"hello\r\n\r\n", b"GET /v1/ping HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00"])
def test_garbage_is_refused_with_the_usual_body(serving: Serving, sent: bytes) -> None:
    with serving.connect() as sock:
        sock.sendall(sent)
        status, headers, body = read_head(sock)
        assert (status, headers["connection"]) == (400, "close")
        assert json.loads(body)["error"] == "invalid_input"
        assert "\n" not in json.loads(body)["message"]


def test_a_head_without_end_is_refused(serving: Serving) -> None:
    with serving.connect() as sock:
        send_quietly(sock, b"GET /v1/ping HTTP/1.1\r\n" + b"X: y" * MAX_HEAD + b"\r\n" + b"A: b\r\n" * 3)
        status, _, body = read_head(sock)
        assert (status, "larger than" in json.loads(body)["message"]) == (400, True)


def test_upgrades_are_timed_and_logged(serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "wirt.api.observe"), serving.connect() as sock:
        sock.sendall(run_request("x", stdin=False))
        read_head(sock)
        read_frames(sock)
    assert any("POST /v1/guests/run 101" in line and "uid 0 pid" in line for line in caplog.messages)
    metrics = serving.ask("GET", "/metrics").body.decode()
    assert 'wirt_operation_duration_seconds_count{code="101",operation="run_guest"}' in metrics
