"""An engine that keeps everything in memory: what the API is tested over, without guests, images or root.

It satisfies ``wirt.api.protocols.Engine`` and behaves as an engine does: it raises the same errors, reads and writes
bodies in threads, and speaks frames over the connections that it is handed.
"""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import threading
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from wirt.errors import Conflict, CorruptData, ImageNotFound, InvalidInput, NotFound
from wirt.keeper.frames import FrameReader, FrameType, encode, encode_exit
from wirt.model.finding import Finding, Level
from wirt.model.guest import (
    ExecSpec,
    GuestSpec,
    GuestState,
    GuestSummary,
    GuestView,
    Kind,
    NetworkSettings,
    Resources,
    RestartPolicy,
    StateView,
)
from wirt.model.host import Change, ChangeKind, DiskUsage, Event, HostInfo, Kept, KeptThing, Stats, TopView
from wirt.model.image import HistoryEntry, ImageConfig, ImageDeletion, ImageSummary, ImageView, Progress
from wirt.model.network import Network, NetworkSpec, NetworkView, Volume, VolumeSpec
from wirt.model.wire import (
    AttachOptions,
    BootstrapRequest,
    CommitOptions,
    Created,
    Loaded,
    LogQuery,
    PathStat,
    Pruned,
    Updated,
    WaitCondition,
)

__all__ = ["MemoryEngine", "MemoryGuest"]

Filters = Mapping[str, list[str]]
OnProgress = Callable[[Progress], None]

IMAGE_ID = "sha256:" + "ab" * 32


@dataclass
class MemoryGuest:
    id: str
    spec: GuestSpec
    state: GuestState = GuestState.CREATED
    exit_code: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    removed: asyncio.Event = field(default_factory=asyncio.Event)
    restart: RestartPolicy = field(default_factory=RestartPolicy)
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Session:
    guest_id: str
    connect: Callable[[socket.socket], object]
    warnings: tuple[str, ...] = ()


class Guests:
    """``busybox`` is the one image. A guest's program repeats its input, and ends with the number in ``exit N``."""

    def __init__(self, events: Events) -> None:
        self.all: dict[str, MemoryGuest] = {}
        self.calls: list[tuple[object, ...]] = []
        self.cancelled = threading.Event()
        self._events = events

    def find(self, ref: str) -> MemoryGuest:
        for guest in self.all.values():
            if ref in (guest.id, guest.spec.name) or guest.id.startswith(ref):
                return guest
        raise NotFound(f"no such guest: {ref}", hint="wirt ps -a lists them")

    async def create(self, spec: GuestSpec) -> Created:
        if spec.image != "busybox":
            raise ImageNotFound(f"no such image: {spec.image}", hint="wirt image ls lists them")
        if any(spec.name and spec.name == guest.spec.name for guest in self.all.values()):
            raise Conflict(f"the name {spec.name} is taken", hint="choose another")
        guest = MemoryGuest(f"{len(self.all) + 1:064x}"[::-1], spec)
        self.all[guest.id] = guest
        self._events.publish("create", guest.id)
        return Created(guest.id, ("a warning",) if spec.privileged else ())

    async def run_detached(self, spec: GuestSpec) -> Created:
        created = await self.create(spec)
        await self.start(created.id)
        return created

    async def start(self, ref: str) -> None:
        guest = self.find(ref)
        guest.state = GuestState.RUNNING
        guest.ended.clear()
        self._events.publish("start", guest.id)

    async def stop(self, ref: str, timeout: float | None = None, signal: str = "") -> None:
        self.calls.append(("stop", ref, timeout, signal))
        self._end(self.find(ref), 0)

    async def restart(self, ref: str, timeout: float | None = None) -> None:
        self.calls.append(("restart", ref, timeout))
        await self.start(ref)

    async def kill(self, ref: str, signal: str = "SIGKILL") -> None:
        self.calls.append(("kill", ref, signal))
        self._end(self.find(ref), 137)

    def _end(self, guest: MemoryGuest, code: int) -> None:
        guest.state, guest.exit_code = GuestState.EXITED, code
        guest.ended.set()
        self._events.publish("die", guest.id)

    async def pause(self, ref: str) -> None:
        self.find(ref).state = GuestState.PAUSED

    async def unpause(self, ref: str) -> None:
        self.find(ref).state = GuestState.RUNNING

    async def rename(self, ref: str, name: str) -> None:
        guest = self.find(ref)
        guest.spec = dataclasses.replace(guest.spec, name=name)

    async def update(self, ref: str, resources: Resources, restart: RestartPolicy | None) -> Updated:
        guest = self.find(ref)
        guest.spec = dataclasses.replace(guest.spec, resources=resources)
        guest.restart = restart or guest.restart
        return Updated(("a warning",) if guest.spec.privileged else ())

    async def remove(self, ref: str, *, force: bool = False, volumes: bool = False) -> None:
        guest = self.find(ref)
        if guest.state is GuestState.RUNNING and not force:
            raise Conflict(f"guest {ref} runs", hint="stop it first, or use --force")
        self.calls.append(("remove", ref, force, volumes))
        del self.all[guest.id]
        guest.removed.set()

    async def resize(self, ref: str, rows: int, cols: int) -> None:
        self.find(ref).size = (rows, cols)

    async def wait(self, ref: str, condition: WaitCondition) -> int:
        guest = self.find(ref)
        try:
            if condition is WaitCondition.REMOVED:
                await guest.removed.wait()
            elif condition is WaitCondition.NEXT_EXIT or guest.state is GuestState.RUNNING:
                await guest.ended.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return guest.exit_code

    async def list(self, *, show_all: bool, filters: Filters, last: int, size: bool) -> list[GuestSummary]:
        self.calls.append(("list", show_all, dict(filters), last, size))
        if unknown := set(filters) - {"name", "label"}:
            raise InvalidInput(f"guests cannot be filtered by {min(unknown)!r}", hint="use name, label")
        shown = [guest for guest in self.all.values() if show_all or guest.state is GuestState.RUNNING]
        return [self._summary(guest) for guest in shown if guest.spec.name in filters.get("name", [guest.spec.name])]

    def _summary(self, guest: MemoryGuest) -> GuestSummary:
        spec = guest.spec
        return GuestSummary(
            guest.id, spec.name, spec.kind, spec.image, IMAGE_ID, " ".join(spec.command), 1.5, guest.state,
            guest.state, spec.ports, spec.labels, (), (spec.network,),
        )  # fmt: skip

    async def view(self, ref: str, *, size: bool = False) -> GuestView:
        guest = self.find(ref)
        running = guest.state is GuestState.RUNNING
        state = StateView(guest.state, running, False, False, False, False, 7, guest.exit_code, "", 1.0, 2.0)
        return GuestView(
            guest.id, guest.spec.name, guest.spec.kind, 1.5, "/bin/sh", guest.spec.command, state, IMAGE_ID, guest.spec,
            guest.spec.env, guest.spec.labels, (), NetworkSettings(), 0, "memory", "", "", "", 0, 5 if size else None,
        )  # fmt: skip

    async def top(self, ref: str, args: str) -> TopView:
        self.find(ref)
        return TopView(("PID", "CMD"), (("1", args or "sh"),))

    async def changes(self, ref: str) -> Sequence[Change]:
        return [Change(ChangeKind.ADDED, path) for path in self.find(ref).files]

    async def stats(self, refs: Sequence[str], *, stream: bool) -> AsyncGenerator[Sequence[Stats], None]:
        chosen = [self.find(ref) for ref in refs] or list(self.all.values())
        return self._samples(chosen, stream=stream)

    async def _samples(self, guests: Sequence[MemoryGuest], *, stream: bool) -> AsyncGenerator[Sequence[Stats], None]:
        try:
            while True:
                yield [
                    Stats(g.id, g.spec.name, time.time(), 1.25, 100.0, 2, 0.5, 4096, 8192, 3, -1, 10, 20, 30, 40)
                    for g in guests
                    if g.state is GuestState.RUNNING
                ]
                if not stream:
                    return
                await asyncio.sleep(0.01)
        finally:
            self.cancelled.set()

    async def logs(self, ref: str, query: LogQuery) -> AsyncGenerator[bytes, None]:
        self.calls.append(("logs", query))
        return self._log_frames(self.find(ref), query)

    async def _log_frames(self, guest: MemoryGuest, query: LogQuery) -> AsyncGenerator[bytes, None]:
        try:
            if query.stdout:
                yield encode(FrameType.STDOUT, b"out\n")
            if query.stderr:
                yield encode(FrameType.STDERR, b"err\n")
            while query.follow and guest.state is GuestState.RUNNING:
                yield encode(FrameType.STDOUT, b"more\n" * 1000)
                await asyncio.sleep(0)
        finally:
            self.cancelled.set()

    # -- sessions ----------------------------------------------------------------------------------

    async def exec_detached(self, ref: str, spec: ExecSpec) -> str:
        self.find(ref)
        self.calls.append(("exec", spec))
        return "e" * 64

    async def prepare_run(self, spec: GuestSpec, options: AttachOptions) -> Session:
        guest = self.find((await self.create(spec)).id)
        await self.start(guest.id)
        return self._session(guest, spec.command, options)

    async def prepare_attach(self, ref: str, options: AttachOptions, *, start: bool) -> Session:
        guest = self.find(ref)
        if start:
            await self.start(ref)
        if guest.state is not GuestState.RUNNING:
            raise Conflict(f"guest {ref} does not run")
        return self._session(guest, guest.spec.command, options)

    async def prepare_exec(self, ref: str, spec: ExecSpec, options: AttachOptions) -> Session:
        return self._session(self.find(ref), spec.command, options)

    def _session(self, guest: MemoryGuest, command: tuple[str, ...], options: AttachOptions) -> Session:
        self.calls.append(("session", options))

        async def connect(sock: socket.socket) -> None:
            await asyncio.to_thread(_serve_frames, sock, command, options)
            if guest.spec.auto_remove:
                self.all.pop(guest.id, None)
                guest.removed.set()

        return Session(guest.id, connect, ("a warning",) if guest.spec.privileged else ())

    # -- files -------------------------------------------------------------------------------------

    async def export(self, ref: str, out: BinaryIO) -> None:
        guest = self.find(ref)
        await asyncio.to_thread(self._write, guest, "/", out)

    async def archive_stat(self, ref: str, path: str) -> PathStat:
        files = self.find(ref).files
        if path not in files:
            raise NotFound(f"no such path in guest {ref}: {path}")
        return PathStat(path.rsplit("/", 1)[-1], len(files[path]), 0o100644, 1.5)

    async def archive_get(self, ref: str, path: str, out: BinaryIO) -> None:
        await asyncio.to_thread(self._write, self.find(ref), path, out)

    def _write(self, guest: MemoryGuest, path: str, out: BinaryIO) -> None:
        try:
            if path == "/endless":
                while True:
                    out.write(bytes(1 << 16))
            if path == "/broken" or guest.files.get(path) == b"broken":
                out.write(b"half" * (1 << 18))
                raise CorruptData("the disk cannot be read")
            out.write(guest.files.get(path, b"everything"))
        except BrokenPipeError:
            self.cancelled.set()
            raise

    async def archive_put(self, ref: str, path: str, stream: BinaryIO, *, no_overwrite: bool) -> None:
        guest = self.find(ref)
        guest.files[path] = await asyncio.to_thread(_take, stream)

    async def commit(self, ref: str, options: CommitOptions) -> str:
        self.find(ref)
        self.calls.append(("commit", options))
        return IMAGE_ID

    async def prune(self, filters: Filters) -> Pruned:
        gone = tuple(guest.id for guest in self.all.values() if guest.state is not GuestState.RUNNING)
        for each in gone:
            del self.all[each]
        return Pruned(gone, 12)


def _take(stream: BinaryIO) -> bytes:
    """The whole stream; a body that begins with "stop" is enough after that word."""
    head = stream.read(4)
    return head if head == b"stop" else head + stream.read()


def _serve_frames(sock: socket.socket, command: tuple[str, ...], options: AttachOptions) -> None:
    """The keeper's part: greets, repeats standard input, ends when that ends."""
    sock.setblocking(True)
    with sock:
        sock.sendall(encode(FrameType.STDOUT, " ".join(command).encode()))
        reader, open_input = FrameReader(), options.stdin
        while open_input and (data := sock.recv(65536)):
            for kind, payload in reader.feed(data):
                if kind is FrameType.STDIN and not payload:
                    open_input = False
                elif kind is FrameType.STDIN:
                    sock.sendall(encode(FrameType.STDOUT, payload))
        code = int(command[1]) if command[:1] == ("exit",) else 0
        sock.sendall(encode_exit(code))


class Images:
    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.cache = 7
        self.loading = threading.Event()

    async def list(self, *, filters: Filters) -> Sequence[ImageSummary]:
        return [ImageSummary(IMAGE_ID, ("docker.io/library/busybox:latest",), 1.5, 10, {}, IMAGE_ID)]

    async def view(self, name: str) -> ImageView:
        if name not in ("busybox", "docker.io/library/busybox:latest", IMAGE_ID):
            raise ImageNotFound(f"no such image: {name}")
        return ImageView(IMAGE_ID, (name,), IMAGE_ID, 1.5, "", "amd64", "linux", "", 10, ImageConfig(), (), ())

    async def history(self, name: str) -> Sequence[HistoryEntry]:
        return [HistoryEntry(1.5, name, 10)]

    async def prune_cache(self) -> Pruned:
        pruned, self.cache = Pruned(("bootstrap/bookworm",) if self.cache else (), self.cache), 0
        return pruned

    async def tag(self, name: str, target: str) -> None:
        self.calls.append(("tag", name, target))

    async def remove(self, name: str, *, force: bool) -> ImageDeletion:
        self.calls.append(("remove", name, force))
        return ImageDeletion((name,), (IMAGE_ID,), 10)

    async def prune(self, *, show_all: bool, filters: Filters) -> ImageDeletion:
        return ImageDeletion((), (), 0)

    async def load(self, stream: BinaryIO, progress: OnProgress) -> Sequence[Loaded]:
        return await asyncio.to_thread(self._load, stream, progress)

    def _load(self, stream: BinaryIO, progress: OnProgress) -> Sequence[Loaded]:
        """A body that begins with "bad" is refused at once, one with "late" after some progress."""
        size = 0
        while chunk := stream.read(1 << 16):
            if chunk.startswith(b"bad"):
                raise CorruptData("this is not an image archive", hint="make one with docker save")
            size += len(chunk)
            progress(Progress("layer", "reading", size))
            self.loading.set()
            if chunk.startswith(b"late"):
                raise CorruptData("the second layer's digest is wrong")
        return [Loaded(IMAGE_ID, (f"size:{size}",))]

    async def import_rootfs(
        self, stream: BinaryIO, name: str, *, changes: Sequence[str], message: str, progress: OnProgress
    ) -> str:
        body = await asyncio.to_thread(_take, stream)
        self.calls.append(("import", name, tuple(changes), message, len(body)))
        return IMAGE_ID

    async def save(self, names: Sequence[str], archive_format: str, out: BinaryIO) -> None:
        for name in names:
            await self.view(name)
        await asyncio.to_thread(out.write, f"{archive_format} {','.join(names)}".encode())

    async def bootstrap(self, request: BootstrapRequest, progress: OnProgress) -> str:
        await asyncio.to_thread(progress, Progress("packages", request.recipe, 1, 2, "steps"))
        return IMAGE_ID


class Networks:
    def __init__(self) -> None:
        self.all: dict[str, Network] = {"bridge": Network("n0", "bridge", "bridge", 1.0, builtin=True)}
        self.calls: list[tuple[object, ...]] = []

    async def list(self, filters: Filters) -> Sequence[Network]:
        return list(self.all.values())

    async def create(self, spec: NetworkSpec) -> Network:
        self.all[spec.name] = Network(f"n{len(self.all)}", spec.name, spec.driver, 1.0, spec.subnet)
        return self.all[spec.name]

    async def view(self, ref: str) -> NetworkView:
        if ref not in self.all:
            raise NotFound(f"no such network: {ref}")
        return NetworkView(self.all[ref], {})

    async def remove(self, ref: str) -> None:
        del self.all[(await self.view(ref)).network.name]

    async def connect(self, ref: str, guest: str, *, aliases: Sequence[str], ip: str) -> None:
        self.calls.append(("connect", ref, guest, tuple(aliases), ip))

    async def disconnect(self, ref: str, guest: str, *, force: bool) -> None:
        self.calls.append(("disconnect", ref, guest, force))

    async def prune(self, filters: Filters) -> Pruned:
        return Pruned()


class Volumes:
    def __init__(self) -> None:
        self.all: dict[str, Volume] = {}

    async def list(self, filters: Filters) -> Sequence[Volume]:
        return list(self.all.values())

    async def create(self, spec: VolumeSpec) -> Volume:
        volume = Volume(spec.name or "anonymous", spec.driver, f"/volumes/{spec.name}", 1.0, not spec.name, spec.labels)
        return self.all.setdefault(volume.name, volume)

    async def view(self, name: str) -> Volume:
        if name not in self.all:
            raise NotFound(f"no such volume: {name}")
        return self.all[name]

    async def remove(self, name: str, *, force: bool = False) -> None:
        if not force:
            await self.view(name)
        self.all.pop(name, None)

    async def prune(self, *, show_all: bool, filters: Filters) -> Pruned:
        gone = tuple(self.all) if show_all else ()
        self.all.clear()
        return Pruned(gone)


class Events:
    def __init__(self) -> None:
        self.past: list[Event] = []
        self._queues: set[asyncio.Queue[Event]] = set()
        self.unsubscribed = threading.Event()

    def publish(self, action: str, subject: str) -> None:
        event = Event(time.time(), "guest", action, subject)
        self.past.append(event)
        for queue in self._queues:
            queue.put_nowait(event)

    def subscribe(self, filters: Filters) -> AsyncGenerator[Event, None]:
        if unknown := set(filters) - {"event"}:
            raise InvalidInput(f"events cannot be filtered by {min(unknown)!r}", hint="use event")
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self._queues.add(queue)
        return self._deliver(queue, filters)

    async def _deliver(self, queue: asyncio.Queue[Event], filters: Filters) -> AsyncGenerator[Event, None]:
        try:
            while True:
                event = await queue.get()
                if event.action in filters.get("event", [event.action]):
                    yield event
        finally:
            self._queues.discard(queue)
            self.unsubscribed.set()

    async def history(self, since: float, until: float, filters: Filters) -> Sequence[Event]:
        return [event for event in self.past if since <= event.time <= until]


class MemoryEngine:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self.events = Events()
        self.guests = Guests(self.events)
        self.images = Images()
        self.networks = Networks()
        self.volumes = Volumes()
        self.failure: Exception | None = None

    async def info(self) -> HostInfo:
        if self.failure is not None:
            raise self.failure
        running = sum(guest.state is GuestState.RUNNING for guest in self.guests.all.values())
        return HostInfo(
            "0", "memory", "6", "none", "x86_64", 2, 1 << 30, "/state", "/run", "v2", "memory",
            tuple(Kind), len(self.guests.all), running, 0, 0, 1,
        )  # fmt: skip

    async def disk_usage(self) -> DiskUsage:
        nothing = Kept(0, 0, 0, 0, ())
        image = KeptThing(IMAGE_ID, "docker.io/library/busybox:latest", 10, 0, active=False)
        return DiskUsage(Kept(1, 0, 10, 10, (image,)), nothing, nothing, nothing)

    async def doctor(self) -> Sequence[Finding]:
        return [Finding("memory", Level.OK, "there is some")]
