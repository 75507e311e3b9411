"""Requests that leave HTTP: ``Upgrade: wirt`` turns the connection into frames between a client and a keeper.

Not FastAPI routes: an ASGI application never sees its socket. ``daemon/protocol.py`` asks here what an upgrade request
wants and hands the connection over. This is also the way ``wirt run`` and ``wirt exec`` go, so it is short.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import unquote

from wirt.api.decode import decode
from wirt.api.protocols import Engine, Handoff
from wirt.model.wire import AttachOptions, AttachRequest, ExecRequest, RunRequest

__all__ = ["Streams", "Upgrade"]

_Prepare = Callable[[Engine, str, bytes], Awaitable[Handoff]]


async def _run(engine: Engine, _: str, body: bytes) -> Handoff:
    request = decode(body, RunRequest)
    options = AttachOptions(
        stdin=request.stdin,
        stdout=request.stdout,
        stderr=request.stderr,
        rows=request.rows,
        cols=request.cols,
        detach_keys=request.detach_keys,
    )
    return await engine.guests.prepare_run(request.spec, options)


async def _attach(engine: Engine, ref: str, body: bytes) -> Handoff:
    request = decode(body, AttachRequest)
    options = AttachOptions(
        stdin=request.stdin,
        stdout=request.stdout,
        stderr=request.stderr,
        logs=request.logs,
        stdin_once=request.stdin_once,
        rows=request.rows,
        cols=request.cols,
        detach_keys=request.detach_keys,
    )
    return await engine.guests.prepare_attach(ref, options, start=request.start)


async def _exec(engine: Engine, ref: str, body: bytes) -> Handoff:
    request = decode(body, ExecRequest)
    options = AttachOptions(
        stdin=request.spec.open_stdin, rows=request.rows, cols=request.cols, detach_keys=request.detach_keys
    )
    return await engine.guests.prepare_exec(ref, request.spec, options)


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One upgrade request. ``operation``: its name in logs and metrics, that of the route without an upgrade."""

    operation: str
    prepare: Callable[[bytes], Awaitable[Handoff]]


class Streams:
    """What can be upgraded. ``token`` is what the header ``Upgrade`` must say."""

    token = "wirt"  # noqa: S105 - a protocol's name

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, method: str, raw_path: str) -> Upgrade | None:
        """What a request asks for; None where there is nothing to upgrade."""
        match [unquote(part) for part in raw_path.split("/")]:
            case ["", "v1", "guests", "run"] if method == "POST":
                return self._upgrade("run_guest", _run)
            case ["", "v1", "guests", ref, "attach"] if method == "POST":
                return self._upgrade("attach_to_guest", _attach, ref)
            case ["", "v1", "guests", ref, "exec"] if method == "POST":
                return self._upgrade("exec_in_guest", _exec, ref)
        return None

    def _upgrade(self, operation: str, prepare: _Prepare, ref: str = "") -> Upgrade:
        return Upgrade(operation, lambda body: prepare(self._engine, ref, body))
