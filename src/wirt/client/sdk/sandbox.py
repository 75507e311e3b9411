"""Sandboxes: Python callables and programs, each call in a micro guest of its own that has been warmed up before.

A guest is started once and set up; then it is saved, and each call is made by a fresh clone of it, which is removed
afterwards. Some clones wait in advance, so that a call need not.

What comes back is a guest's word: it is read as plain data (numbers, text, bytes, lists, dictionaries ...), and nothing
in it can make this process do anything.
"""

from __future__ import annotations

import contextlib
import pickle
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Unpack

from wirt.client import frames
from wirt.client.sdk.calls import Calls
from wirt.client.sdk.guest import Guest
from wirt.client.sdk.options import Command, GuestOptions, guest_spec, words
from wirt.client.sdk.plain import plain
from wirt.client.sdk.session import RunResult, converse
from wirt.client.transport import Upgraded, path
from wirt.errors import InvalidInput, NotFound, RuntimeFailure
from wirt.model.guest import GuestSpec, Kind
from wirt.model.snapshot import Snapshot, SnapshotRequest
from wirt.model.wire import RunRequest

__all__ = ["CallFailed", "Sandbox"]

_HEAD = 8
_PIECE = 64 << 10  # bytes of a frame
_PATIENCE = 5.0  # seconds for a clone to end when it has answered
_LAST_WORDS = 64 << 10  # bytes of standard error
_GUEST = Path(__file__).with_name("sandbox_guest.py")
_NONSENSE = "the guest did not answer as it should"
_MOST = 256 << 20  # bytes that a call may write


class CallFailed(RuntimeFailure):
    """A callable raised an exception. ``kind``: its class's name; ``traceback``: where in the guest, as text."""

    def __init__(self, kind: str, message: str, traceback: str) -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind = kind
        self.traceback = traceback


class Sandbox:
    """See ``wirt.sandbox``. Any number of threads may use one."""

    def __init__(
        self,
        calls: Calls,
        image: str,
        *,
        setup: Callable[[], object] | str = "",
        warm: int = 1,
        timeout: float | None = None,
        **options: Unpack[GuestOptions],
    ) -> None:
        """``setup``: what every call finds done: a callable, or Python text. ``warm``: clones that wait in advance.

        ``timeout``: seconds for each call. The options are ``GuestOptions``; without others a guest has no network.
        """
        self._calls = calls
        self._timeout = timeout
        self._snapshot = ""
        self._python: tuple[int, int] = (0, 0)
        self._rehearsal = _message({"what": "rehearsal", "call": _shipped((lambda: {"": [b"", 0.5]}, (), {}))})
        self._waiting: deque[Future[Upgraded]] = deque()
        self._lock = threading.Lock()
        self._starter = ThreadPoolExecutor(warm + 2, "wirt-sandbox")
        try:
            self._prepare(image, setup, options)
        except BaseException:
            self._starter.shutdown()
            raise
        for _ in range(warm):
            self._waiting.append(self._starter.submit(self._start))

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the clones that wait, and what was saved."""
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
        for future in waiting:
            with contextlib.suppress(Exception):
                connection = future.result()
                self._discard(connection)
                connection.socket.close()
        self._starter.shutdown()
        if self._snapshot:
            with contextlib.suppress(NotFound):
                self._calls.tell("DELETE", path("snapshots", self._snapshot))
            self._snapshot = ""

    # -- calls -------------------------------------------------------------------------------------

    def call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """What ``function`` returns for these arguments, called in a fresh clone.

        The function and its arguments go there with what they refer to; the result must be plain data. ``CallFailed``
        when it raises, ``RuntimeFailure`` when the guest ends otherwise, ``TimeoutError``. What it prints goes to our
        standard error.
        """
        self._check_python()
        data = _message({"what": "call", "call": _shipped((function, arguments, named))})
        return _result(self._with_clone(self._timeout, lambda connection: self._answered(connection, data)))

    def map(self, function: Callable[..., Any], *iterables: Iterable[Any]) -> Iterator[Any]:
        """As the built-in ``map``, with each call in a clone of its own, one after the other."""
        return (self.call(function, *arguments) for arguments in zip(*iterables, strict=False))

    def run(
        self,
        command: Command,
        *,
        input: str | bytes = b"",  # noqa: A002 - as subprocess.run calls it
        env: Mapping[str, str] | None = None,
        cwd: str = "",
        timeout: float | None = None,
    ) -> RunResult:
        """Run a program in a fresh clone, to its end. ``timeout``: seconds, instead of the sandbox's."""
        given = input.encode() if isinstance(input, str) else input
        data = _message(
            {"what": "program", "argv": list(words(command)), "input": given, "env": dict(env or {}), "cwd": cwd}
        )
        limit = self._timeout if timeout is None else timeout
        return self._with_clone(limit, lambda connection: converse(connection, data, _Listener(shown=False)))

    def _with_clone(self, timeout: float | None, act: Callable[[Upgraded], RunResult]) -> RunResult:
        """What ``act`` has of a fresh clone; the clone is gone when it takes too long, or fails."""
        connection = self._take()
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            self._discard(connection)

        timer = threading.Timer(timeout, expire) if timeout is not None else None
        if timer is not None:
            timer.start()
        try:
            result = act(connection)
        except BaseException as error:
            self._discard(connection)
            if not expired.is_set() or not isinstance(error, RuntimeFailure):
                raise
        finally:
            if timer is not None:
                timer.cancel()
        if expired.is_set():
            raise TimeoutError(f"the call took longer than {timeout} seconds")
        return result

    def _answered(self, connection: Upgraded, data: bytes) -> RunResult:
        """The answer as soon as it is there; the clone ends while the caller goes on."""
        for start in range(0, len(data), _PIECE):
            connection.socket.sendall(frames.encode_frame(frames.STDIN, data[start : start + _PIECE]))
        listener = _Listener(shown=True)
        said = bytearray()
        coming = frames.iter_frames(connection)
        for kind, payload in coming:
            if kind == frames.EXIT:
                connection.socket.close()
                return RunResult(frames.exit_code(payload), bytes(said))
            listener("stdout" if kind == frames.STDOUT else "stderr", payload)
            if kind == frames.STDOUT:
                said += payload
                if _is_whole(said):
                    self._starter.submit(self._see_off, connection, coming, listener)
                    return RunResult(0, bytes(said))
        raise RuntimeFailure("the connection to the guest was lost")

    def _see_off(self, connection: Upgraded, coming: Iterator[tuple[int, bytes]], listener: _Listener) -> None:
        """What it printed may come behind its answer. It may go on, if it is up to no good: not for long."""
        with contextlib.suppress(OSError, RuntimeFailure):
            connection.socket.settimeout(_PATIENCE)
            for kind, payload in coming:
                if kind == frames.EXIT:
                    break
                listener("stdout" if kind == frames.STDOUT else "stderr", payload)
        self._discard(connection)
        connection.socket.close()

    def _take(self) -> Upgraded:
        """A clone that waits, and another one in its place."""
        with self._lock:
            if not self._snapshot:
                raise InvalidInput("the sandbox is closed")
            future = self._waiting.popleft() if self._waiting else None
            if future is not None:
                self._waiting.append(self._starter.submit(self._start))
        return self._start() if future is None else future.result()

    # -- guests ------------------------------------------------------------------------------------

    def _prepare(self, image: str, setup: Callable[[], object] | str, options: GuestOptions) -> None:
        """Start a guest, set it up, save it where it waits for its request."""
        given: GuestOptions = {"network": "none", "kind": Kind.MICRO, **options}
        spec = guest_spec(image, ("python3", "-c", _GUEST.read_text()), given)
        spec = replace(spec, open_stdin=True, auto_remove=True, entrypoint=())
        if spec.kind is not Kind.MICRO:
            raise InvalidInput("a sandbox is made of micro guests", hint="leave kind out")
        connection = self._open(spec)
        guest = Guest(self._calls, connection.headers["wirt-guest"])
        try:
            order = {"cloudpickle": _cloudpickle_source(), "setup": _shipped(setup) if callable(setup) else setup}
            self._check_set_up(connection, _message(order))
            request = SnapshotRequest(guest.id, f"sandbox-{guest.id[:12]}")
            self._snapshot = self._calls.ask(Snapshot, "POST", path("snapshots"), body=request).id
        finally:
            connection.socket.close()
            with contextlib.suppress(NotFound):
                guest.remove(force=True)

    def _check_set_up(self, connection: Upgraded, order: bytes) -> None:
        for start in range(0, len(order), _PIECE):
            connection.socket.sendall(frames.encode_frame(frames.STDIN, order[start : start + _PIECE]))
        said, complaint = bytearray(), bytearray()
        for kind, payload in frames.iter_frames(connection):
            if len(said) > _MOST:
                break
            if kind == frames.STDOUT:
                said += payload
                if _is_whole(said):
                    break
            elif kind == frames.STDERR:
                complaint += payload
                del complaint[:-_LAST_WORDS]
            else:
                last = complaint.decode(errors="replace").strip().rsplit("\n", 1)[-1]
                raise RuntimeFailure(f"the sandbox could not be set up: {last or 'its guest ended'}")
        match _answer(bytes(said)).get("python"):
            case [int(major), int(minor)]:
                self._python = major, minor
            case _:
                raise RuntimeFailure(_NONSENSE)

    def _start(self) -> Upgraded:
        connection = self._open(GuestSpec(image="", snapshot=self._snapshot, auto_remove=True))
        connection.socket.sendall(frames.encode_frame(frames.STDIN, self._rehearsal))
        return connection

    def _open(self, spec: GuestSpec) -> Upgraded:
        return self._calls.upgrade(path("guests", "run"), RunRequest(spec, stdin=True))

    def _discard(self, connection: Upgraded) -> None:
        with contextlib.suppress(NotFound):
            Guest(self._calls, connection.headers["wirt-guest"]).remove(force=True)

    def _check_python(self) -> None:
        here = sys.version_info[:2]
        if self._python != here:
            there = ".".join(map(str, self._python))
            raise InvalidInput(
                f"the image's Python is {there}, and callables go to the same version only, {here[0]}.{here[1]}",
                hint="use run(), or an image with that Python",
            )


def _message(content: dict[str, Any]) -> bytes:
    data = pickle.dumps(content)
    return len(data).to_bytes(_HEAD, "big") + data


def _is_whole(said: bytes | bytearray) -> bool:
    return len(said) >= _HEAD and len(said) >= _HEAD + int.from_bytes(said[:_HEAD], "big")


def _result(ended: RunResult) -> Any:
    if not ended.stdout_bytes:
        raise RuntimeFailure(f"the guest ended with exit code {ended.exit_code} before it had a result")
    result = _answer(ended.stdout_bytes).get("result")
    if not isinstance(result, bytes):
        raise RuntimeFailure(_NONSENSE)
    return plain(result)


def _answer(data: bytes) -> dict[str, Any]:
    """What the guest says, if that is an answer at all. ``CallFailed`` when it says that something was raised."""
    answer = plain(data[_HEAD:]) if int.from_bytes(data[:_HEAD], "big") == len(data) - _HEAD else None
    if not isinstance(answer, dict):
        raise RuntimeFailure(_NONSENSE)
    if "error" in answer:
        said = answer["error"] if isinstance(answer["error"], list) else []
        kind, message, traceback, *_ = *(text for text in said if isinstance(text, str)), "", "", ""
        raise CallFailed(kind, message, traceback)
    return answer


class _Listener:
    """What a clone writes: counted, and shown if it is no answer."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._left = _MOST

    def __call__(self, stream: str, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            raise RuntimeFailure(f"the call wrote more than {_MOST >> 20} MiB")
        if self._shown and stream == "stderr":
            sys.stderr.write(data.decode(errors="replace"))


# -- callables -------------------------------------------------------------------------------------


def _shipped(thing: object) -> bytes:
    """With the code of every function, but for those of Python's own library: the guest has no other modules."""
    import cloudpickle

    module = _module_to_ship(thing[0] if isinstance(thing, tuple) else thing)
    if module is not None:
        cloudpickle.register_pickle_by_value(module)
    try:
        data: bytes = cloudpickle.dumps(thing)
        return data
    finally:
        if module is not None:
            cloudpickle.unregister_pickle_by_value(module)


def _module_to_ship(function: object) -> Any:
    name = getattr(function, "__module__", None) or ""
    if name == "__main__" or name.partition(".")[0] in sys.stdlib_module_names:
        return None
    return sys.modules.get(name)


def _cloudpickle_source() -> str:
    from cloudpickle import cloudpickle

    return Path(cloudpickle.__file__).read_text()
