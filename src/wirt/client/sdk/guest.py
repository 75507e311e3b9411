"""One guest, and all that can be done with it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Unpack, overload

from wirt.client.sdk.calls import Calls
from wirt.client.sdk.files import pack, pack_bytes, unpack, unpack_bytes
from wirt.client.sdk.logs import log_lines, log_text
from wirt.client.sdk.options import Command, Limits, guest_update, words
from wirt.client.sdk.session import OnOutput, RunResult, converse
from wirt.client.transport import path
from wirt.errors import NotFound
from wirt.model.guest import ExecSpec, GuestState, GuestView
from wirt.model.host import Change, Stats, TopView
from wirt.model.snapshot import ForkRequest, Snapshot, SnapshotRequest
from wirt.model.trace import TraceEntry
from wirt.model.wire import (
    CommitOptions,
    Created,
    ExecRequest,
    ExitStatus,
    Identity,
    Updated,
    WaitCondition,
)

__all__ = ["Guest"]


class Guest:
    """One guest. What is not fixed (all but ``id``, ``name``) is asked of the host each time it is wanted.

    As a context manager: the guest is removed at the end, running or not.
    """

    def __init__(self, calls: Calls, guest_id: str, name: str = "", warnings: tuple[str, ...] = ()) -> None:
        self._calls = calls
        self._name = name
        self.id = guest_id
        self.warnings = warnings  # what the host said when it was made

    def __repr__(self) -> str:
        return f"<Guest {self.id[:12]} {self._name}>"

    def __enter__(self) -> Guest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(NotFound):  # it may have been made to remove itself
            self.remove(force=True)

    def _path(self, *parts: str) -> str:
        return path("guests", self.id, *parts)

    # -- state -------------------------------------------------------------------------------------

    def view(self, *, size: bool = False) -> GuestView:
        """All there is to know; ``size``: measure what it has written too."""
        return self._calls.get(GuestView, self._path(), {"size": size})

    @property
    def name(self) -> str:
        """The host chose one, if it was made without."""
        self._name = self._name or self.view().name
        return self._name

    @property
    def state(self) -> GuestState:
        return self.view().state.status

    @property
    def exit_code(self) -> int:
        return self.view().state.exit_code

    @property
    def ip_address(self) -> str:
        return self.view().network_settings.ip_address

    @property
    def ports(self) -> dict[str, int]:
        """Where published ports are on the host: {"80/tcp": 49153}."""
        found = self.view().network_settings.ports
        return {f"{port.guest_port}/{port.protocol}": port.host_port for port in found}

    def top(self, args: str = "") -> TopView:
        """Its processes; ``args`` as for ps(1)."""
        return self._calls.get(TopView, self._path("top"), {"args": args})

    def changes(self) -> list[Change]:
        """What its file system has more, less or other than its image."""
        return self._calls.get(list[Change], self._path("changes"))

    @overload
    def stats(self, *, stream: Literal[False] = False) -> Stats: ...
    @overload
    def stats(self, *, stream: Literal[True]) -> Iterator[Stats]: ...
    def stats(self, *, stream: bool = False) -> Stats | Iterator[Stats]:
        """What it uses, now or once a second. ``NotFound`` for one that does not run."""
        samples = self._calls.lines(Stats, "GET", self._path("stats"), query={"stream": stream})
        if stream:
            return samples
        for sample in samples:
            return sample
        raise NotFound(f"guest {self.name} does not run")

    @overload
    def logs(
        self,
        *,
        follow: Literal[False] = False,
        tail: int | None = None,
        since: float = 0.0,
        until: float = 0.0,
        timestamps: bool = False,
        stdout: bool = True,
        stderr: bool = True,
    ) -> str: ...
    @overload
    def logs(
        self,
        *,
        follow: Literal[True],
        tail: int | None = None,
        since: float = 0.0,
        until: float = 0.0,
        timestamps: bool = False,
        stdout: bool = True,
        stderr: bool = True,
    ) -> Iterator[str]: ...
    def logs(self, *, follow: bool = False, **query: Any) -> str | Iterator[str]:
        """What it wrote, as text; with ``follow`` line by line, until it ends. ``since``, ``until``: Unix seconds."""
        pieces = self._calls.stream(self._path("logs"), {"follow": follow, **query})
        return log_lines(pieces) if follow else log_text(pieces)

    def trace(
        self, calls: Sequence[str] = (), *, steps: bool = False, arguments: bool = True, start: bool = False
    ) -> Generator[TraceEntry, None, None]:
        """What the processes of a micro guest do, as it happens, until it ends, or until ``close`` ends the trace.

        ``calls``: names of calls, or of sets (file, network ...), with "!" in front what to leave out; none: all.
        ``steps``: with what the monitor asked of the host. ``start``: the guest does not run yet; what it does is told
        from its first step on, once something starts it.
        """
        query = {"call": list(calls), "steps": steps, "arguments": arguments, "start": start}
        return self._calls.lines(TraceEntry, "GET", self._path("trace"), query=query)

    # -- life --------------------------------------------------------------------------------------

    def start(self) -> None:
        self._calls.tell("POST", self._path("start"))

    def stop(self, timeout: float | None = None, signal: str = "") -> None:
        """Ask it to end, and end it after ``timeout`` seconds (by default 10, or what it was made with)."""
        self._calls.tell("POST", self._path("stop"), query={"timeout": timeout, "signal": signal})

    def restart(self, timeout: float | None = None) -> None:
        self._calls.tell("POST", self._path("restart"), query={"timeout": timeout})

    def kill(self, signal: str = "SIGKILL") -> None:
        self._calls.tell("POST", self._path("kill"), query={"signal": signal})

    def pause(self) -> None:
        self._calls.tell("POST", self._path("pause"))

    def unpause(self) -> None:
        self._calls.tell("POST", self._path("unpause"))

    def wait(self, condition: WaitCondition | str = WaitCondition.NOT_RUNNING) -> int:
        """Its exit code, when it has ended."""
        query = {"condition": str(WaitCondition(condition))}
        return self._calls.ask(ExitStatus, "POST", self._path("wait"), query=query).exit_code

    def rename(self, name: str) -> None:
        self._calls.tell("POST", self._path("rename"), query={"name": name})
        self._name = name

    def update(self, **change: Unpack[Limits]) -> tuple[str, ...]:
        """Change its limits and restart policy, while it runs too; what is not named stays. The host's warnings."""
        return self._calls.ask(Updated, "POST", self._path("update"), body=guest_update(change)).warnings

    def remove(self, *, force: bool = False, volumes: bool = False) -> None:
        """``force``: kill it first if it runs. ``volumes``: with its anonymous volumes."""
        self._calls.tell("DELETE", self._path(), query={"force": force, "volumes": volumes})

    # -- copies ------------------------------------------------------------------------------------

    def fork(self, *, name: str = "") -> Guest:
        """A clone that goes on where this micro guest is now. ``name``: what its name begins with; else this one's."""
        return self.forks(1, name=name)[0]

    def forks(self, count: int, *, name: str = "") -> list[Guest]:
        """That many clones, all of one moment."""
        request = ForkRequest(count, name)
        made = self._calls.ask(tuple[Created, ...], "POST", self._path("fork"), body=request)
        return [Guest(self._calls, each.id, "", each.warnings) for each in made]

    def snapshot(self, name: str = "") -> Snapshot:
        """Write this micro guest down, memory and files, to go on from later; see ``Client.snapshots``."""
        return self._calls.ask(Snapshot, "POST", path("snapshots"), body=SnapshotRequest(self.id, name))

    # -- commands ----------------------------------------------------------------------------------

    def exec(
        self,
        command: Command,
        *,
        input: str | bytes | None = None,  # noqa: A002 - as subprocess.run calls it
        env: Mapping[str, str] | None = None,
        user: str = "",
        workdir: str = "",
        privileged: bool = False,
        on_output: OnOutput | None = None,
    ) -> RunResult:
        """Run a command in it, to its end. A ``command`` that is a string is split as a shell would split it."""
        spec = _exec_spec(command, env, user=user, workdir=workdir, privileged=privileged, open_stdin=input is not None)
        connection = self._calls.upgrade(self._path("exec"), ExecRequest(spec))
        return converse(connection, input, on_output)

    def spawn(
        self,
        command: Command,
        *,
        env: Mapping[str, str] | None = None,
        user: str = "",
        workdir: str = "",
        privileged: bool = False,
    ) -> str:
        """Start a command in it and leave it to itself; gives the command's id."""
        spec = _exec_spec(command, env, user=user, workdir=workdir, privileged=privileged, detach=True)
        return self._calls.ask(Identity, "POST", self._path("exec"), body=ExecRequest(spec)).id

    # -- files -------------------------------------------------------------------------------------

    def cp_to(self, source: str | os.PathLike[str], folder: str) -> None:
        """Copy a file or folder from here into a folder of the guest."""
        self._put(folder, pack(source))

    def cp_from(self, source: str, folder: str | os.PathLike[str]) -> Path:
        """Copy a file or folder of the guest into a folder here; gives where it is now."""
        with self._calls.file(self._path("archive"), {"path": source}) as archive:
            return unpack(archive, folder)

    def write_file(self, target: str, data: str | bytes, *, mode: int = 0o644) -> None:
        """Make a file in an existing folder of the guest, or replace it."""
        folder, _, name = target.rpartition("/")
        self._put(folder or "/", pack_bytes(name, data.encode() if isinstance(data, str) else data, mode))

    def read_file(self, source: str) -> bytes:
        with self._calls.file(self._path("archive"), {"path": source}) as archive:
            return unpack_bytes(archive)

    def _put(self, folder: str, archive: Iterator[bytes]) -> None:
        self._calls.transport.request("PUT", self._path("archive"), query={"path": folder}, body=archive).close()

    def export(self) -> Iterator[bytes]:
        """Its whole file system as a tar archive."""
        return self._calls.stream(self._path("export"))

    def commit(self, name: str = "", *, message: str = "", changes: Sequence[str] = (), pause: bool = True) -> str:
        """Make an image of its file system; gives the image's id. ``changes``: lines of a Dockerfile (CMD, ENV ...)."""
        options = CommitOptions(name, "", message, tuple(changes), pause)
        return self._calls.ask(Identity, "POST", self._path("commit"), body=options).id


def _exec_spec(command: Command, env: Mapping[str, str] | None, **fields: Any) -> ExecSpec:
    return ExecSpec(words(command), env=tuple(f"{name}={value}" for name, value in (env or {}).items()), **fields)
