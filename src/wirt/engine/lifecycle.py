"""Starting a guest, booking its end, and adopting the guests of an earlier daemon.

A start is a journalled operation: rootfs, network, launch. Each step can be undone by ``_release``, which gives back
whatever a guest holds and minds nothing that is not there; so a start that fails, an ended guest, and what a crash
left are all cleaned up by the same few lines.

Owned by the daemon's event loop; one lock a guest keeps its verbs apart.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from wirt.engine.connectivity import Connectivity, shared_guest
from wirt.engine.departures import Departures
from wirt.engine.events import Events
from wirt.engine.hostfiles import host_file_mounts
from wirt.engine.keepers import Keepers, Link, StartRefused
from wirt.engine.protocols import Runtime
from wirt.engine.registry import Registry
from wirt.engine.settings import Paths, Settings
from wirt.engine.volumes import VolumeService
from wirt.errors import Conflict, OutOfSpace, RuntimeFailure, StartFailed, Unavailable, WirtError
from wirt.host.mount import bind_from, unmount
from wirt.image import ImageStore
from wirt.keeper.keeper import EXIT_FILE
from wirt.model.guest import Guest, GuestState, Kind, MountPoint, NetworkSettings
from wirt.model.launch import Launch, LogOptions
from wirt.storage import overlay
from wirt.store.journal import Journal, Operation, OperationKind

__all__ = ["ACTIVE", "INIT_PATHS", "Lifecycle", "Outcome", "failure_body"]

log = logging.getLogger("wirt.lifecycle")

_A = TypeVar("_A")
_B = TypeVar("_B")

# States in which a guest holds a root file system, a network and a keeper.
ACTIVE = (GuestState.STARTING, GuestState.RUNNING, GuestState.PAUSED, GuestState.STOPPING)

_BOOK_AGAIN = 1.0  # seconds between tries to write an end down

_KILL_PATIENCE = 10.0  # seconds for SIGKILL to do its work

INIT_PATHS = ("/usr/bin/tini-static", "/usr/libexec/podman/catatonit", "/usr/bin/catatonit")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a guest's run ended. ``error`` is "" unless it never ran; ``started`` is 0 where nobody told."""

    code: int
    finished: float
    error: str = ""
    started: float = 0.0


class Lifecycle:
    """``on_started`` and ``on_ended`` tell the health checks, the restart policies and whoever waits."""

    def __init__(
        self,
        *,
        paths: Paths,
        settings: Settings,
        registry: Registry,
        journal: Journal,
        events: Events,
        images: ImageStore,
        volumes: VolumeService,
        connectivity: Connectivity,
        departures: Departures,
        runtimes: Mapping[Kind, Runtime],
    ) -> None:
        self._paths = paths
        self._settings = settings
        self._registry = registry
        self._journal = journal
        self._events = events
        self._images = images
        self._volumes = volumes
        self._connectivity = connectivity
        self._departures = departures
        self._runtimes = runtimes
        self._locks: dict[str, asyncio.Lock] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._end_waiters: dict[str, list[asyncio.Future[int]]] = {}
        self._removal_waiters: dict[str, list[asyncio.Future[None]]] = {}
        self._unbooked: dict[str, Outcome] = {}
        self._releasing: dict[str, asyncio.Event] = {}
        self.keepers = Keepers(self._keeper_exit, self._keeper_lost)
        self.on_spawned: list[Callable[[Guest, Link], None]] = []  # there is a keeper, and nothing runs yet
        self.on_started: list[Callable[[Guest], None]] = []
        self.on_booked: list[Callable[[Guest], None]] = []  # ended, and still holding what it held
        self.on_ended: list[Callable[[Guest], None]] = []

    def lock(self, guest_id: str) -> asyncio.Lock:
        """Held by every verb that changes the guest's state."""
        return self._locks.setdefault(guest_id, asyncio.Lock())

    def runtime(self, kind: Kind) -> Runtime:
        if (runtime := self._runtimes.get(kind)) is None:
            raise Unavailable(
                f"this wirt cannot run guests of the kind {kind}",
                hint=f"it runs {', '.join(self._runtimes) or 'none'}; wirt doctor says more",
            )
        return runtime

    # -- start -------------------------------------------------------------------------------------

    async def start(
        self, guest: Guest, attach: Callable[[Link], None] | None = None, *, size: tuple[int, int] = (0, 0)
    ) -> Guest:
        """Run ``guest``; ``attach`` connects clients to its keeper before its first output.

        The caller holds the guest's lock. ``StartFailed`` when its program cannot be started; whatever goes wrong,
        everything is given back and the guest is as it was before.
        """
        await self.released(guest.id)
        if guest.spec.ip or any(port.host_port for port in guest.spec.ports):
            await self._all_released()  # who had the address or port before may have ended just now
        before = guest.state
        with self._registry.transaction():
            operation = self._journal.begin(OperationKind.START, guest.id)
            guest = self._registry.change(
                guest.id,
                state=GuestState.STARTING,
                pid=0,
                exit_code=0,
                error="",
                oom_killed=False,
                stopped_by_user=False,
            )
        link: Link | None = None
        try:
            self._journal.step(operation, "network")
            self._journal.step(operation, "rootfs")
            runtime = self.runtime(guest.spec.kind)
            link = self._spawn_keeper(guest, runtime)
            (netns, network), (rootfs, mounts) = await self._both(
                self._connectivity.connect(guest), self._prepare_files(guest)
            )
            if network != guest.network:
                guest = self._registry.change(guest.id, network=network)
            self._journal.step(operation, "launch")
            plan = runtime.prepare(self._launch(guest, rootfs, netns, mounts, size))
            if attach is not None:
                attach(link)
            for watcher in self.on_spawned:
                watcher(guest, link)
            pid = await link.start(plan, self._log_options(guest.id), open_stdin=guest.spec.open_stdin, size=size)
            with self._registry.transaction():
                guest = self._registry.change(
                    guest.id,
                    state=GuestState.RUNNING,
                    pid=pid,
                    keeper_pid=link.keeper_pid,
                    started=time.time(),
                    resumes="",
                )
                self._journal.end(operation)
                self.publish(guest, "start")
        except BaseException as error:
            failure = self._start_failure(guest, error)
            await asyncio.shield(self._undo_start(guest, before, failure, link, operation))
            if isinstance(error, Exception):
                raise failure from error
            raise
        for listener in self.on_started:
            listener(guest)
        return guest

    def _spawn_keeper(self, guest: Guest, runtime: Runtime) -> Link:
        """While it comes to itself, we go on."""
        folder, run = self._paths.guest(guest.id), self._paths.guest_run(guest.id)
        return self.keepers.spawn(guest.id, folder, run, platform=runtime.platform)

    @staticmethod
    async def _both(one: Coroutine[Any, Any, _A], other: Coroutine[Any, Any, _B]) -> tuple[_A, _B]:
        """What both give, each working while the other waits; what one of them raises, once both are over."""
        first, second = await asyncio.gather(one, other, return_exceptions=True)
        if isinstance(first, BaseException):
            raise first
        if isinstance(second, BaseException):
            raise second
        return first, second

    async def _prepare_files(self, guest: Guest) -> tuple[Path, tuple[MountPoint, ...]]:
        folder = self._paths.guest(guest.id)
        rootfs = overlay.mount_rootfs(self._images.rootfs(guest.image_id), folder, volatile=guest.spec.auto_remove)
        mounts = guest.mounts
        if mounts:
            mounts = await asyncio.to_thread(self._volumes.make_ready, guest, rootfs)
        (folder / EXIT_FILE).unlink(missing_ok=True)
        self._paths.guest_run(guest.id).mkdir(mode=0o700, parents=True, exist_ok=True)
        return rootfs, mounts

    def _launch(
        self, guest: Guest, rootfs: Path, netns: str, mounts: tuple[MountPoint, ...], size: tuple[int, int]
    ) -> Launch:
        folder = self._paths.guest(guest.id)
        files: tuple[MountPoint, ...] = ()
        if ref := shared_guest(guest.spec.network):
            files = host_file_mounts(self._paths.guest(self._registry.find(ref).id), {m.destination for m in mounts})
        else:
            self._connectivity.write_files(guest, guest.network, folder)
            files = host_file_mounts(folder, {mount.destination for mount in mounts})
        return Launch(
            guest=guest,
            rootfs=str(rootfs),
            bundle=str(folder / "bundle"),
            mounts=files + mounts,
            netns=netns,
            pid_ns=self._namespace(guest.spec.pid_mode, "pid"),
            ipc_ns=self._namespace(guest.spec.ipc_mode, "ipc"),
            uts_ns=self._namespace(guest.spec.uts_mode, "uts"),
            shm=self._borrow_shm(guest),
            init_path=self._init_path(guest),
            saved=self._saved(guest),
            size=size,
        )

    def _saved(self, guest: Guest) -> str:
        """What the guest goes on from; only its first start does."""
        if guest.resumes and not Path(guest.resumes).is_dir():
            guest = self._registry.change(guest.id, resumes="")
            raise Conflict(
                f"the snapshot that guest {guest.name} was made from is gone",
                hint=f"wirt start {guest.name} runs its program anew, on its files as they are",
            )
        return guest.resumes

    def _namespace(self, mode: str, name: str) -> str:
        """ "" for a new one, "host", or the file of another guest's."""
        if mode in ("", "private", "shareable"):
            return ""
        if ref := shared_guest(mode):
            other = self._registry.find(ref)
            if not other.pid:
                raise Conflict(f"guest {other.name} does not run, its {name} namespace cannot be shared")
            return f"/proc/{other.pid}/ns/{name}"
        return mode

    def _borrow_shm(self, guest: Guest) -> str:
        """Where another guest's /dev/shm is mounted: its POSIX objects belong to its ipc (shm_overview(7))."""
        if not (ref := shared_guest(guest.spec.ipc_mode)):
            return ""
        target = self._shm_path(guest)
        target.mkdir(mode=0o700, exist_ok=True)
        bind_from(self._registry.find(ref).pid, "/dev/shm", str(target))  # noqa: S108 - a mount point
        return str(target)

    def _shm_path(self, guest: Guest) -> Path:
        return self._paths.guest_run(guest.id) / "shm"

    def _init_path(self, guest: Guest) -> str:
        if not guest.spec.init:
            return ""
        for path in INIT_PATHS:
            if Path(path).exists():
                return path
        raise Unavailable("--init needs a small init program, and there is none", hint="apt-get install tini")

    def _log_options(self, guest_id: str) -> LogOptions:
        path = self.log_path(guest_id)
        path.parent.mkdir(mode=0o750, exist_ok=True)
        return LogOptions(str(path), self._settings.log_max_size, self._settings.log_max_files)

    def log_path(self, guest_id: str) -> Path:
        return self._paths.guest(guest_id) / "log" / "log.json"

    def _start_failure(self, guest: Guest, error: BaseException) -> WirtError:
        if isinstance(error, StartRefused):
            return self.runtime(guest.spec.kind).explain(error.text, guest.argv[0])
        if isinstance(error, WirtError):
            return error
        return RuntimeFailure(f"guest {guest.name} could not be started: {error}")

    async def _undo_start(
        self, guest: Guest, before: GuestState, failure: WirtError, link: Link | None, operation: Operation
    ) -> None:
        code = failure.exit_code if isinstance(failure, StartFailed) else 125
        if guest.spec.auto_remove:
            self._departures.begin(guest.id)
        if link is not None:
            link.finish(code, failure_body(failure, code))
        network = await self._release(guest)
        back = GuestState.CREATED if before is GuestState.CREATED else GuestState.EXITED

        def book() -> None:
            with self._registry.transaction():
                ended = self._registry.change(
                    guest.id,
                    state=back,
                    network=network,
                    exit_code=code,
                    error=str(failure),
                    finished=time.time(),
                    pid=0,
                    keeper_pid=0,
                )
                if guest.spec.auto_remove:
                    ended = self._registry.change(guest.id, state=GuestState.REMOVING)
                self._journal.end(operation)
            if guest.spec.auto_remove:
                self._tell_ended(ended)

        try:
            book()
        except WirtError:  # most likely a full disk, which may be why the start failed
            self.in_background(self._until_written(book), f"undoing the start of guest {guest.id[:12]}")

    async def _until_written(self, book: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(_BOOK_AGAIN)
            with contextlib.suppress(OutOfSpace):
                return book()

    # -- end ---------------------------------------------------------------------------------------

    def _keeper_exit(self, guest_id: str, code: int) -> None:
        self._book_surely(guest_id, Outcome(code, time.time()))

    def _keeper_lost(self, guest_id: str) -> None:
        """The keeper died before its guest: nobody holds the guest's streams any more, so the guest must go."""
        guest = self._registry.get(guest_id)
        if guest is None or guest.state not in (GuestState.RUNNING, GuestState.PAUSED, GuestState.STOPPING):
            return
        self.in_background(self._end_orphan(guest), f"ending guest {guest_id[:12]}")

    async def _end_orphan(self, guest: Guest) -> None:
        outcome = self._unbooked.get(guest.id) or self._left_outcome(guest.id)
        if outcome is None:
            with contextlib.suppress(Conflict):  # it has ended by itself
                await asyncio.to_thread(self.runtime(guest.spec.kind).kill, guest, "SIGKILL", everyone=True)
            outcome = Outcome(137, time.time(), "the guest's keeper was killed")
        self._book_surely(guest.id, outcome)

    def _book_surely(self, guest_id: str, outcome: Outcome) -> None:
        """Again and again until it can be written down: a full disk must not turn a dead guest into a running one."""
        try:
            self._book(guest_id, outcome)
            self._unbooked.pop(guest_id, None)
        except WirtError as error:
            log.warning("the end of guest %s cannot be written down yet: %s", guest_id[:12], error)
            self._unbooked[guest_id] = outcome
            asyncio.get_running_loop().call_later(_BOOK_AGAIN, self._book_surely, guest_id, outcome)

    def _book(self, guest_id: str, outcome: Outcome) -> None:
        """Write the end down, tell the keeper, and clean up in the background."""
        guest = self._registry.get(guest_id)
        if guest is None or guest.state not in ACTIVE:
            return
        if guest.state is GuestState.STARTING:
            # It ended before the start was booked; the start's own code follows in this same loop.
            asyncio.get_running_loop().call_soon(self._book, guest_id, outcome)
            return
        oom = False
        with contextlib.suppress(WirtError, OSError):
            oom = self.runtime(guest.spec.kind).oom_killed(guest_id)
        with self._registry.transaction():
            operation = self._journal.begin(OperationKind.END, guest_id)
            guest = self._registry.change(
                guest_id,
                state=GuestState.EXITED,
                exit_code=outcome.code,
                finished=outcome.finished,
                error=outcome.error,
                oom_killed=oom,
                pid=0,
            )
            if guest.spec.auto_remove:
                guest = self._registry.change(guest_id, state=GuestState.REMOVING)
            if oom:
                self.publish(guest, "oom")
            self.publish(guest, "die", exit_code=str(outcome.code))
        self._releasing[guest_id] = asyncio.Event()
        if guest.spec.auto_remove:
            self._departures.begin(guest_id)
        if (link := self.keepers.get(guest_id)) is not None:
            link.finish(outcome.code)
        for waiter in self._end_waiters.pop(guest_id, []):
            if not waiter.done():
                waiter.set_result(outcome.code)
        for listener in self.on_booked:
            listener(guest)
        self.in_background(self._finish_end(guest, operation), f"cleaning up after guest {guest_id[:12]}")

    async def _finish_end(self, guest: Guest, operation: Operation) -> None:
        try:
            self._journal.step(operation, "release")
            network = await self._release(guest)
            with self._registry.transaction():
                guest = self._registry.change(guest.id, keeper_pid=0, network=network)
                self._journal.end(operation)
        finally:
            self._releasing.pop(guest.id).set()
        self._tell_ended(guest)

    def _tell_ended(self, guest: Guest) -> None:
        for listener in self.on_ended:
            listener(guest)

    async def released(self, guest_id: str) -> None:
        """Until what an ended guest held has been given back."""
        if (event := self._releasing.get(guest_id)) is not None:
            await event.wait()

    async def _all_released(self) -> None:
        """Until no guest that has ended holds anything."""
        for event in list(self._releasing.values()):
            await event.wait()
        await self._departures.over()

    async def _release(self, guest: Guest) -> NetworkSettings:
        """Give back what a guest holds. Every step minds nothing that is not there."""
        runtime = self._runtimes.get(guest.spec.kind)
        if runtime is not None:
            await asyncio.to_thread(runtime.delete, guest.id, force=True)
        network = await self._connectivity.disconnect(guest)
        await asyncio.to_thread(self._release_files, guest)
        return network

    def _release_files(self, guest: Guest) -> None:
        self._volumes.let_go(guest)
        overlay.unmount_rootfs(self._paths.guest(guest.id))
        if shared_guest(guest.spec.ipc_mode):
            unmount(str(self._shm_path(guest)), lazy=True)

    # -- a new daemon ------------------------------------------------------------------------------

    async def adopt(self) -> None:
        """Take over the guests that run; book those that ended while nobody looked; undo starts that were cut off."""
        # Before this step, what a keeper left is of the guest's run before.
        launched = {
            operation.subject
            for operation in self._journal.unfinished()
            if operation.kind is OperationKind.START and operation.step == "launch"
        }
        for guest in self._registry:
            if guest.state not in ACTIVE:
                continue
            link = await self.keepers.adopt(guest.id, self._paths.guest_run(guest.id))
            if link is not None and await self._adopt_running(guest, link):
                continue
            stale = guest.state is GuestState.STARTING and guest.id not in launched
            outcome = None if stale else self._left_outcome(guest.id, link)
            if guest.state is GuestState.STARTING:
                if outcome is None or not outcome.started:
                    await self._undo_cut_off_start(guest, link, outcome)
                    continue
                self._book_started(guest, outcome.started)
            self._book_surely(guest.id, outcome or Outcome(137, time.time(), "the guest ended while no daemon ran"))

    async def _adopt_running(self, guest: Guest, link: Link) -> bool:
        """Whether the guest runs."""
        try:
            pid = await link.running_pid()
        except (StartRefused, RuntimeFailure):
            return False
        if not pid:
            return False
        if guest.state is GuestState.STARTING:
            self._book_started(guest, link.started or time.time())
        guest = self._registry.change(guest.id, pid=pid, keeper_pid=link.keeper_pid)
        for listener in self.on_started:
            listener(guest)
        return True

    def _book_started(self, guest: Guest, started: float) -> None:
        """A start that the daemon before saw through and did not live to write down."""
        with self._registry.transaction():
            guest = self._registry.change(guest.id, state=GuestState.RUNNING, started=started, resumes="")
            self.publish(guest, "start")

    async def _undo_cut_off_start(self, guest: Guest, link: Link | None, outcome: Outcome | None) -> None:
        back = GuestState.EXITED if guest.finished else GuestState.CREATED
        failure = outcome.error if outcome and outcome.error else "the daemon was killed while the guest started"
        if link is not None:
            link.finish(125, failure_body(RuntimeFailure(failure), 125))
        network = await self._release(guest)
        with self._registry.transaction():
            self._registry.change(
                guest.id, state=back, network=network, exit_code=125, error=failure, pid=0, keeper_pid=0
            )
            if guest.spec.auto_remove:
                self._registry.change(guest.id, state=GuestState.REMOVING)

    def _left_outcome(self, guest_id: str, link: Link | None = None) -> Outcome | None:
        """What the keeper wrote down at the guest's end, or tells when the disk was too full for that."""
        try:
            told = link.outcome if link else None
            left = told or json.loads((self._paths.guest(guest_id) / EXIT_FILE).read_bytes())
            return Outcome(int(left["code"]), float(left["finished"]), str(left["error"]), float(left["started"]))
        except (OSError, ValueError, KeyError):
            return None

    async def finish_end(self, operation: Operation) -> None:
        """An end that an earlier daemon had booked and not cleaned up."""
        if (guest := self._registry.get(operation.subject)) is not None:
            network = await self._release(guest)
            self._registry.change(guest.id, keeper_pid=0, network=network)
        self._journal.end(operation)

    async def settle(self) -> None:
        """Until all work in the background is done."""
        while self._background:
            await asyncio.gather(*self._background)

    # -- helpers -----------------------------------------------------------------------------------

    def signal(self, guest: Guest, name: str) -> None:
        """To the guest's first process."""
        if (link := self.keepers.get(guest.id)) is not None:
            link.signal(name)
        elif guest.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(guest.pid, signal.Signals[name] if name in signal.Signals.__members__ else int(name))

    async def kill_and_wait(self, guest: Guest) -> None:
        """SIGKILL, and until the end is booked. The caller holds the guest's lock."""
        ended = self.next_end(guest.id)
        if guest.state is GuestState.PAUSED:
            await asyncio.to_thread(self.runtime(guest.spec.kind).resume, guest.id)
        self.signal(guest, "SIGKILL")
        try:
            await asyncio.wait_for(asyncio.shield(ended), _KILL_PATIENCE)
        except TimeoutError:
            # The first process does not die (it is in the kernel, or its keeper is stuck): all of them, from outside.
            await asyncio.to_thread(self.runtime(guest.spec.kind).kill, guest, "SIGKILL", everyone=True)
            await asyncio.wait_for(ended, _KILL_PATIENCE)

    def next_end(self, guest_id: str) -> asyncio.Future[int]:
        """The exit code of the guest's next end."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._end_waiters.setdefault(guest_id, []).append(future)
        return future

    def next_removal(self, guest_id: str) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._removal_waiters.setdefault(guest_id, []).append(future)
        return future

    def removed(self, guest_id: str) -> None:
        """The guest is no more."""
        self._locks.pop(guest_id, None)
        self._departures.end(guest_id)
        for waiter in self._end_waiters.pop(guest_id, []):
            if not waiter.done():
                waiter.set_result(0)  # it never ran
        for removal in self._removal_waiters.pop(guest_id, []):
            if not removal.done():
                removal.set_result(None)

    def in_background(self, work: Coroutine[Any, Any, None], what: str) -> None:
        """Run ``work`` beside everything else; ``settle`` waits for it, and its failure is logged."""

        async def guarded() -> None:
            try:
                await work
            except Exception:
                log.exception("%s failed; the next daemon tries again", what)

        task = asyncio.get_running_loop().create_task(guarded())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def publish(self, guest: Guest, action: str, **attributes: str) -> None:
        self._events.publish(
            "guest", action, guest.id, **(guest.labels | {"name": guest.name, "image": guest.spec.image} | attributes)
        )


def failure_body(failure: WirtError, code: int) -> dict[str, Any]:
    """What an attached client is told of a failed start."""
    return {"error": "start_failed", "message": str(failure), "hint": failure.hint, "exit_code": code}
