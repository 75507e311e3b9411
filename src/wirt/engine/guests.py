"""The guests' verbs: what the API and the daemon call. Each finds the guest, keeps others away from it, and acts."""

from __future__ import annotations

import asyncio
import dataclasses
import signal as signals
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import BinaryIO

from wirt.engine.connectivity import Connectivity
from wirt.engine.contents import Contents
from wirt.engine.creation import Creation
from wirt.engine.departures import Departures
from wirt.engine.filters import Filters, keep, matches_label
from wirt.engine.lifecycle import ACTIVE, Lifecycle
from wirt.engine.listing import Listing
from wirt.engine.logs import follow, recorded
from wirt.engine.registry import Registry
from wirt.engine.restarts import Restarts
from wirt.engine.sessions import Session, Sessions
from wirt.engine.settings import Paths
from wirt.engine.updates import Updates
from wirt.errors import Conflict, InvalidInput, WirtError
from wirt.model.guest import (
    ExecSpec,
    Guest,
    GuestSpec,
    GuestState,
    GuestSummary,
    GuestView,
    Resources,
    RestartPolicy,
)
from wirt.model.host import Change, Stats, TopView
from wirt.model.wire import AttachOptions, CommitOptions, Created, LogQuery, PathStat, Pruned, Updated, WaitCondition

__all__ = ["Guests", "check_signal"]

_STOP_PATIENCE = 10.0  # seconds between the stop signal and SIGKILL, as Docker has it
_STATS_EVERY = 1.0


class Guests:
    """Owned by the daemon's event loop."""

    def __init__(
        self,
        *,
        paths: Paths,
        registry: Registry,
        lifecycle: Lifecycle,
        departures: Departures,
        creation: Creation,
        sessions: Sessions,
        listing: Listing,
        restarts: Restarts,
        contents: Contents,
        connectivity: Connectivity,
    ) -> None:
        self._paths = paths
        self._registry = registry
        self._lifecycle = lifecycle
        self._departures = departures
        self._creation = creation
        self._sessions = sessions
        self._listing = listing
        self._restarts = restarts
        self._contents = contents
        self._connectivity = connectivity
        self._updates = Updates(registry, lifecycle)

    # -- making and unmaking -----------------------------------------------------------------------

    async def create(self, spec: GuestSpec) -> Created:
        return await self._creation.create(spec)

    async def run_detached(self, spec: GuestSpec) -> Created:
        return await self._sessions.run_detached(spec)

    async def prepare_run(self, spec: GuestSpec, options: AttachOptions) -> Session:
        return await self._sessions.prepare_run(spec, options)

    async def remove(self, ref: str, *, force: bool = False, volumes: bool = False) -> None:
        guest = await self._find(ref)
        self._restarts.cancel(guest.id)
        await self._creation.remove(guest, force=force, volumes=volumes)

    async def prune(self, filters: Filters) -> Pruned:
        """Remove every guest that does not run."""
        await self._departures.over()
        down = [guest for guest in self._registry if guest.state in (GuestState.CREATED, GuestState.EXITED)]
        tests = {
            "label": lambda guest, value: matches_label(guest.labels, value),
            "until": lambda guest, value: guest.created < _moment(value),
        }
        deleted, reclaimed = [], 0
        for guest in keep(down, filters, tests, "guests to prune"):
            reclaimed += await self._contents.written_size(guest)
            await self._creation.remove(guest, force=False, volumes=False)
            deleted.append(guest.id)
        return Pruned(tuple(deleted), reclaimed)

    # -- starting and stopping ---------------------------------------------------------------------

    async def start(self, ref: str) -> None:
        """A guest that runs already is no error, as with Docker."""
        guest = await self._find(ref)
        async with self._lifecycle.lock(guest.id):
            guest = self._registry.current(guest.id)
            if guest.state is GuestState.PAUSED:
                raise Conflict(f"guest {guest.name} is paused", hint=f"wirt unpause {guest.name}")
            if guest.state not in ACTIVE:
                self._restarts.cancel(guest.id)
                await self._lifecycle.start(self._registry.change(guest.id, restart_count=0))

    async def stop(self, ref: str, timeout: float | None = None, signal: str = "") -> None:
        """The stop signal, and after ``timeout`` seconds (negative: never) SIGKILL."""
        guest = await self._find(ref)
        async with self._lifecycle.lock(guest.id):
            await self._stop(guest.id, timeout, signal)

    async def _stop(self, guest_id: str, patience: float | None, signal: str) -> None:
        """The caller holds the guest's lock."""
        guest = self._registry.current(guest_id)
        if guest.state is GuestState.RESTARTING:
            self._restarts.cancel(guest_id)
            self._registry.change(guest_id, state=GuestState.EXITED, stopped_by_user=True)
            return
        if guest.state not in ACTIVE:
            return
        if patience is None:
            patience = _STOP_PATIENCE if guest.spec.stop_timeout is None else guest.spec.stop_timeout
        name = check_signal(signal or guest.stop_signal)
        if guest.state is GuestState.PAUSED:
            await asyncio.to_thread(self._lifecycle.runtime(guest.spec.kind).resume, guest.id)
        ended = self._lifecycle.next_end(guest.id)
        guest = self._registry.change(guest_id, state=GuestState.STOPPING, stopped_by_user=True)
        self._lifecycle.signal(guest, name)
        try:
            await asyncio.wait_for(asyncio.shield(ended), None if patience < 0 else patience)
        except TimeoutError:
            await self._lifecycle.kill_and_wait(guest)
        await self._lifecycle.released(guest_id)
        self._lifecycle.publish(guest, "stop")

    async def restart(self, ref: str, timeout: float | None = None) -> None:
        guest = await self._find(ref)
        if guest.spec.auto_remove and guest.state in ACTIVE:
            raise Conflict(f"guest {guest.name} is removed when it stops", hint="it was started with --rm")
        async with self._lifecycle.lock(guest.id):
            await self._stop(guest.id, timeout, "")
            guest = await self._lifecycle.start(self._registry.current(guest.id))
        self._lifecycle.publish(guest, "restart")

    async def kill(self, ref: str, signal: str = "SIGKILL") -> None:
        guest = self._running(ref)
        name = check_signal(signal)
        if name == "SIGKILL":
            self._registry.change(guest.id, stopped_by_user=True)
            if guest.state is GuestState.PAUSED:
                await asyncio.to_thread(self._lifecycle.runtime(guest.spec.kind).resume, guest.id)
        self._lifecycle.signal(guest, name)
        self._lifecycle.publish(guest, "kill", signal=name)

    async def pause(self, ref: str) -> None:
        await self._freeze(ref, GuestState.RUNNING, GuestState.PAUSED)

    async def unpause(self, ref: str) -> None:
        await self._freeze(ref, GuestState.PAUSED, GuestState.RUNNING)

    async def _freeze(self, ref: str, before: GuestState, after: GuestState) -> None:
        guest = await self._find(ref)
        async with self._lifecycle.lock(guest.id):
            guest = self._registry.current(guest.id)
            if guest.state is not before:
                raise Conflict(f"guest {guest.name} is {guest.state}, not {before}")
            runtime = self._lifecycle.runtime(guest.spec.kind)
            pausing = after is GuestState.PAUSED
            await asyncio.to_thread(runtime.pause if pausing else runtime.resume, guest.id)
            self._registry.change(guest.id, state=after)
            self._lifecycle.publish(guest, "pause" if pausing else "unpause")

    async def wait(self, ref: str, condition: WaitCondition = WaitCondition.NOT_RUNNING) -> int:
        """The exit code, once ``condition`` holds."""
        guest = self._registry.find(ref)
        if condition is WaitCondition.REMOVED:
            removal = self._lifecycle.next_removal(guest.id)
            end = self._lifecycle.next_end(guest.id) if guest.state in ACTIVE else None
            await removal
            return end.result() if end is not None and end.done() else guest.exit_code
        if condition is WaitCondition.NOT_RUNNING and guest.state not in ACTIVE:
            return guest.exit_code
        return await self._lifecycle.next_end(guest.id)

    # -- changing ----------------------------------------------------------------------------------

    async def rename(self, ref: str, name: str) -> None:
        guest = await self._find(ref)
        async with self._lifecycle.lock(guest.id):
            renamed = self._creation.rename(guest, name)
            await self._connectivity.refresh_names(renamed)

    async def update(self, ref: str, resources: Resources, restart: RestartPolicy | None) -> Updated:
        """What is None (or "") in ``resources`` stays as it is."""
        guest = await self._find(ref)
        return Updated(await self._updates.apply(guest, resources, restart))

    async def resize(self, ref: str, rows: int, cols: int) -> None:
        guest = self._running(ref)
        if (link := self._lifecycle.keepers.get(guest.id)) is not None:
            link.resize(rows, cols)

    # -- looking -----------------------------------------------------------------------------------

    async def list(self, *, show_all: bool, filters: Filters, last: int, size: bool) -> list[GuestSummary]:
        await self._departures.over()
        summaries = []
        for guest in self._listing.guests(show_all=show_all, filters=filters, last=last):
            summary = self._listing.summary(guest)
            if size:
                written, total = await self._contents.sizes(guest)
                summary = dataclasses.replace(summary, size_rw=written, size_root_fs=total)
            summaries.append(summary)
        return summaries

    async def view(self, ref: str, *, size: bool = False) -> GuestView:
        guest = await self._find(ref)
        runtime = self._lifecycle.runtime(guest.spec.kind)
        view = self._listing.view(
            guest,
            runtime=runtime.description,
            log_path=str(self._lifecycle.log_path(guest.id)),
            rootfs_path=str(self._paths.guest(guest.id) / "merged"),
            cgroup_path=runtime.cgroup_path(guest.id),
        )
        if size:
            written, total = await self._contents.sizes(guest)
            view = dataclasses.replace(view, size_rw=written, size_root_fs=total)
        return view

    async def logs(self, ref: str, query: LogQuery) -> AsyncGenerator[bytes, None]:
        guest = await self._find(ref)
        path = self._lifecycle.log_path(guest.id)
        if query.follow:
            return follow(path, query, lambda: self._may_write(guest.id))
        return _in_thread(path, query)

    def _may_write(self, guest_id: str) -> bool:
        guest = self._registry.get(guest_id)
        return guest is not None and guest.state in (*ACTIVE, GuestState.RESTARTING)

    async def top(self, ref: str, args: str) -> TopView:
        guest = self._running(ref)
        return await asyncio.to_thread(self._lifecycle.runtime(guest.spec.kind).top, guest.id, args)

    async def stats(self, refs: Sequence[str], *, stream: bool) -> AsyncGenerator[Sequence[Stats], None]:
        """Samples a second apart; without ``refs`` of every guest that runs."""
        ids = [self._registry.find(ref).id for ref in refs]
        return self._samples(ids, stream=stream)

    async def _samples(self, ids: Sequence[str], *, stream: bool) -> AsyncGenerator[Sequence[Stats], None]:
        while True:
            chosen = [guest for guest in self._registry if guest.pid and (guest.id in ids or not ids)]
            yield await asyncio.to_thread(self._sample, chosen)
            if not stream:
                return
            await asyncio.sleep(_STATS_EVERY)

    def _sample(self, guests: Sequence[Guest]) -> Sequence[Stats]:
        samples = []
        for guest in guests:
            try:
                samples.append(self._lifecycle.runtime(guest.spec.kind).stats(guest))
            except (WirtError, OSError):
                continue  # it ended just now
        return samples

    # -- clients in guests -------------------------------------------------------------------------

    async def prepare_attach(self, ref: str, options: AttachOptions, *, start: bool) -> Session:
        return await self._sessions.prepare_attach(ref, options, start=start)

    async def prepare_exec(self, ref: str, spec: ExecSpec, options: AttachOptions) -> Session:
        return await self._sessions.prepare_exec(ref, spec, options)

    async def exec_detached(self, ref: str, spec: ExecSpec) -> str:
        return await self._sessions.exec_detached(ref, spec)

    # -- contents ----------------------------------------------------------------------------------

    async def changes(self, ref: str) -> Sequence[Change]:
        return await self._contents.changes(await self._find(ref))

    async def export(self, ref: str, out: BinaryIO) -> None:
        await self._contents.export(await self._find(ref), out)

    async def archive_stat(self, ref: str, path: str) -> PathStat:
        return await self._contents.stat(await self._find(ref), path)

    async def archive_get(self, ref: str, path: str, out: BinaryIO) -> None:
        await self._contents.get(await self._find(ref), path, out)

    async def archive_put(self, ref: str, path: str, stream: BinaryIO, *, no_overwrite: bool) -> None:
        await self._contents.put(await self._find(ref), path, stream, no_overwrite=no_overwrite)

    async def commit(self, ref: str, options: CommitOptions) -> str:
        guest = await self._find(ref)
        if options.pause and guest.state is GuestState.RUNNING:
            await self.pause(guest.id)
            try:
                return await self._contents.commit(guest, options)
            finally:
                await self.unpause(guest.id)
        return await self._contents.commit(guest, options)

    async def _find(self, ref: str) -> Guest:
        """A guest that is on its way out is not found."""
        guest = self._registry.find(ref)
        if guest.id in self._departures:
            await self._departures.over()
            guest = self._registry.find(ref)
        return guest

    def _running(self, ref: str) -> Guest:
        guest = self._registry.find(ref)
        if guest.state not in (GuestState.RUNNING, GuestState.PAUSED, GuestState.STOPPING):
            raise Conflict(f"guest {guest.name} does not run", hint=f"wirt start {guest.name} first")
        return guest


def check_signal(name: str) -> str:
    """The signal's full name, from "TERM", "SIGTERM" or "15"; real-time signals as numbers."""
    text = name.upper()
    if text.isdigit():
        number = int(text)
        if 0 < number < signals.NSIG:
            return next((known.name for known in signals.Signals if known == number), text)
    else:
        text = text if text.startswith("SIG") else f"SIG{text}"
        if text in signals.Signals.__members__:
            return text
    raise InvalidInput(f"{name!r} is no signal", hint="use a name as in kill -l, or a number")


async def _in_thread(path: Path, query: LogQuery) -> AsyncGenerator[bytes, None]:
    batches = recorded(path, query)
    while (batch := await asyncio.to_thread(next, batches, None)) is not None:
        yield batch


_DURATIONS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _moment(text: str) -> float:
    """A point in time from Unix seconds or an age such as "24h"."""
    try:
        if text[-1:] in _DURATIONS:
            return time.time() - float(text[:-1]) * _DURATIONS[text[-1]]
        return float(text)
    except ValueError as error:
        raise InvalidInput(f"{text!r} is no time", hint="write Unix seconds or an age such as 24h") from error
