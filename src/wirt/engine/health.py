"""Health checks: a command run in the guest now and then, by Docker's rules (docker-run(1), "--health-*").

One task a checked guest. During ``start_period`` failures do not count; after ``retries`` failures in a row the guest
is unhealthy, after one success healthy.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable

from wirt.engine.events import Events
from wirt.errors import WirtError
from wirt.keeper.frames import FrameReader, FrameType
from wirt.model.guest import ExecSpec, Guest, Health, HealthCheck, HealthStatus, ProbeResult

__all__ = ["HealthMonitor"]

_DEFAULT_INTERVAL = 30.0
_DEFAULT_TIMEOUT = 30.0
_DEFAULT_START_INTERVAL = 5.0
_DEFAULT_RETRIES = 3
_OUTPUT_KEPT = 4096  # bytes of a probe's output
_PROBES_KEPT = 5

RunProbe = Callable[[Guest, ExecSpec, socket.socket], Awaitable[int]]


class HealthMonitor:
    """Owned by the daemon's event loop. ``run_probe`` runs a command in a guest, its output as frames."""

    def __init__(self, events: Events, run_probe: RunProbe) -> None:
        self._events = events
        self._run_probe = run_probe
        self._health: dict[str, Health] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def of(self, guest: Guest) -> Health:
        return self._health.get(guest.id, Health())

    def started(self, guest: Guest) -> None:
        self.ended(guest)
        if guest.healthcheck is not None:
            self._health[guest.id] = Health(HealthStatus.STARTING)
            self._tasks[guest.id] = asyncio.get_running_loop().create_task(self._watch(guest, guest.healthcheck))

    def ended(self, guest: Guest) -> None:
        if (task := self._tasks.pop(guest.id, None)) is not None:
            task.cancel()
        self._health.pop(guest.id, None)

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()

    async def _watch(self, guest: Guest, check: HealthCheck) -> None:
        begun = time.monotonic()
        while True:
            in_start = time.monotonic() - begun < check.start_period
            waiting = self._health[guest.id].status is HealthStatus.STARTING and in_start
            regular = check.interval or _DEFAULT_INTERVAL
            await asyncio.sleep(min(regular, check.start_interval or _DEFAULT_START_INTERVAL) if waiting else regular)
            result = await self._probe(guest, check)
            self._judge(guest, check, result, in_start=time.monotonic() - begun < check.start_period)

    async def _probe(self, guest: Guest, check: HealthCheck) -> ProbeResult:
        kind, *words = check.test
        command = ("/bin/sh", "-c", *words) if kind == "CMD-SHELL" else tuple(words)
        limit = check.timeout or _DEFAULT_TIMEOUT
        ours, theirs = socket.socketpair()
        start = time.time()
        output = asyncio.ensure_future(_collect(ours))
        try:
            code = await asyncio.wait_for(self._run_probe(guest, ExecSpec(command), theirs), limit)
        except TimeoutError:
            return ProbeResult(start, time.time(), -1, f"the check took longer than {limit:g} s")
        except WirtError as error:
            return ProbeResult(start, time.time(), -1, str(error))
        else:
            return ProbeResult(start, time.time(), code, await output)
        finally:
            output.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await output
            ours.close()
            theirs.close()

    def _judge(self, guest: Guest, check: HealthCheck, result: ProbeResult, *, in_start: bool) -> None:
        before = self._health[guest.id]
        log = (*before.log, result)[-_PROBES_KEPT:]
        if result.exit_code == 0:
            after = Health(HealthStatus.HEALTHY, 0, log)
        elif in_start and before.status is HealthStatus.STARTING:
            after = Health(before.status, 0, log)
        else:
            streak = before.failing_streak + 1
            failed = streak >= (check.retries or _DEFAULT_RETRIES)
            after = Health(HealthStatus.UNHEALTHY if failed else before.status, streak, log)
        self._health[guest.id] = after
        if after.status is not before.status:
            self._events.publish("guest", f"health_status: {after.status}", guest.id, name=guest.name)


async def _collect(sock: socket.socket) -> str:
    """The first bytes of what a probe wrote."""
    sock.setblocking(False)
    loop, reader, output = asyncio.get_running_loop(), FrameReader(), bytearray()
    with contextlib.suppress(OSError):
        while data := await loop.sock_recv(sock, 64 << 10):
            for kind, payload in reader.feed(data):
                if kind in (FrameType.STDOUT, FrameType.STDERR) and len(output) < _OUTPUT_KEPT:
                    output += payload
    return output[:_OUTPUT_KEPT].decode("utf-8", "replace")
