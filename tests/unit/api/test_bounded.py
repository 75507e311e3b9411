"""How large bodies may be, as the server answers it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from framework.memory_engine import MemoryEngine
from framework.serving import Serving
from framework.wire import read_head
from wirt.api.bounded import MAX_BODY


def spaced(size: int) -> Iterator[bytes]:
    """A spec of ``size`` bytes, mostly space."""
    spec = b'{"image": "busybox"}'
    yield spec
    rest = size - len(spec)
    while rest:
        piece = b" " * min(rest, 1 << 16)
        rest -= len(piece)
        yield piece


def summary(answer: Any) -> tuple[int, str, str]:
    return answer.status, answer.json["error"], answer.json["message"]


TOO_LARGE = (413, "too_large", f"the request's body is larger than {MAX_BODY} bytes")


@pytest.mark.parametrize("as_chunks", [True, False])
def test_body_as_large_as_allowed_is_read(api: Serving, engine: MemoryEngine, *, as_chunks: bool) -> None:
    body = spaced(MAX_BODY) if as_chunks else b"".join(spaced(MAX_BODY))
    assert api.ask("POST", "/v1/guests", body, {"Content-Type": "application/json"}).status == 201
    engine.guests.all.clear()


@pytest.mark.parametrize("as_chunks", [True, False])
def test_larger_body_is_refused_in_one_line(api: Serving, engine: MemoryEngine, *, as_chunks: bool) -> None:
    body = spaced(MAX_BODY + 1) if as_chunks else b"".join(spaced(MAX_BODY + 1))
    assert summary(api.ask("POST", "/v1/guests", body, {"Content-Type": "application/json"})) == TOO_LARGE
    assert not engine.guests.all


def test_announced_body_is_refused_before_it_is_sent(api: Serving) -> None:
    with api.connect() as sock:
        sock.sendall(f"POST /v1/guests HTTP/1.1\r\nHost: wirt\r\nContent-Length: {1 << 40}\r\n\r\n".encode())
        assert read_head(sock)[0] == 413


def test_request_that_only_waits_reads_no_large_body(api: Serving, engine: MemoryEngine) -> None:
    api.ask("POST", "/v1/guests/run", {"spec": {"image": "busybox", "name": "waiting"}})
    assert summary(api.ask("POST", "/v1/guests/waiting/wait", spaced(MAX_BODY + 1))) == TOO_LARGE
    engine.guests.all.clear()


def test_upload_may_be_larger(api: Serving) -> None:
    size = 2 * MAX_BODY
    answer = api.ask("POST", "/v1/images/load", (bytes(1 << 16) for _ in range(size >> 16)))
    assert (answer.status, answer.lines[-1]["names"]) == (200, [f"size:{size}"])
