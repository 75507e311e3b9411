"""A command's side of an attached guest: standard input to frames, frames to standard output and error, until the end.

One loop over poll(2). Nothing in it waits for one party alone: a full pipe behind us stops the reading of output and
nothing else, a guest that reads no input stops the reading of ours and nothing else, and signals pass at any time.

``_signal`` is what ``signal`` wraps in enums, and spares a command the 7 ms these take to import.
"""

from __future__ import annotations

import os
import stat
from select import POLLIN, POLLOUT, poll

from wirt.client import frames
from wirt.client.terminal import RawMode, window_size
from wirt.errors import RuntimeFailure

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from typing import Any

    from wirt.client.transport import Upgraded
else:
    import _signal

__all__ = ["DETACHED", "converse"]

DETACHED = -1
_PIECE = 256 * 1024  # bytes of output a read
_INPUT = 64 * 1024
_DONTWAIT = 0x4040  # MSG_DONTWAIT | MSG_NOSIGNAL, socket.h
_ENOUGH = 3  # interrupts, after which a guest that ignores them is left alone
_ENDING = (_signal.SIGHUP, _signal.SIGTERM)  # what ends us in an orderly way while the terminal is raw
_PROXIED = (
    _signal.SIGHUP,
    _signal.SIGINT,
    _signal.SIGQUIT,
    _signal.SIGTERM,
    _signal.SIGUSR1,
    _signal.SIGUSR2,
    _signal.SIGALRM,
)


def converse(
    connection: Upgraded,
    *,
    stdin: int | None = 0,
    stdout: int = 1,
    stderr: int = 2,
    raw: int | None = None,
    window: int | None = None,
    proxy_signals: bool = True,
) -> int:
    """Runs until the guest's side ends; gives its exit code, or ``DETACHED``.

    ``stdin`` None: the guest gets none of our input. ``raw``: the terminal whose keys all go to the guest meanwhile.
    ``window``: the terminal whose size the guest's own follows. ``proxy_signals``: pass what we receive on; with
    ``raw``, keys do that.
    Raises what the guest's side reports, ``BrokenPipeError`` when nobody reads our output, ``KeyboardInterrupt`` when
    somebody insists on leaving.
    """
    session = _Session(connection, stdin, {frames.STDOUT: _Sink(stdout), frames.STDERR: _Sink(stderr)}, window)
    handlers: dict[int, Any] = dict.fromkeys(_PROXIED, _note) if proxy_signals else {}
    if raw is not None:
        handlers = dict.fromkeys(_ENDING, _leave)
    if window is not None:
        handlers[_signal.SIGWINCH] = _note
    with RawMode(raw), _Signals(handlers) as signals:
        try:
            session.run(signals)
        finally:
            session.close()
    if session.error is not None:
        raise session.error
    if session.outcome is None:
        raise RuntimeFailure("the connection to the guest was lost", hint="see whether it still runs: wirt ps")
    return session.outcome


class _Sink:
    """A descriptor to write to, without waiting where that can be had, and what it has not taken yet."""

    def __init__(self, fd: int) -> None:
        self.waiting: list[bytes] = []
        self.fd = _reopened(fd)
        self._owned = self.fd != fd

    def close(self) -> None:
        if self._owned:
            os.close(self.fd)

    def write(self, piece: memoryview) -> None:
        if not self.waiting:
            piece = self._push(piece)
        if piece:
            self.waiting.append(bytes(piece))

    def drain(self) -> None:
        while self.waiting:
            rest = self._push(memoryview(self.waiting[0]))
            if rest:
                self.waiting[0] = bytes(rest)
                return
            self.waiting.pop(0)

    def _push(self, piece: memoryview) -> memoryview:
        """What would not fit."""
        try:
            while piece:
                piece = piece[os.write(self.fd, piece) :]
        except BlockingIOError:
            pass
        return piece


def _reopened(fd: int) -> int:
    """``fd``, or for a pipe a second opening that does not wait: the mode of the first is shared with our parents."""
    if stat.S_ISFIFO(os.fstat(fd).st_mode):
        try:
            return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:  # another user's pipe: then writes wait
            pass
    return fd


class _Session:
    def __init__(self, connection: Upgraded, stdin: int | None, sinks: dict[int, _Sink], window: int | None) -> None:
        self.outcome: int | None = None
        self.error: Exception | None = None
        self._sock = connection.socket
        self._early = connection.early
        self._stdin = stdin
        self._sinks = sinks
        self._window = window
        self._reader = frames.FrameReader()
        self._unsent: list[bytes] = []
        self._open = True  # the guest's side has not ended
        self._interrupts = 0

    def run(self, signals: _Signals) -> None:
        buffer = memoryview(bytearray(_PIECE))
        self._receive(memoryview(self._early))
        self._resize()  # the window may have changed since the guest was asked for
        while self._open or any(sink.waiting for sink in self._sinks.values()):
            ready = dict(self._poller(signals.fd).poll())
            if signals.fd in ready:
                for number in signals.take():
                    self._signalled(number)
            for sink in self._sinks.values():
                if sink.fd in ready:
                    sink.drain()
            if ready.get(self._sock.fileno(), 0) & POLLOUT:
                self._send()
            if ready.get(self._sock.fileno(), 0) & ~POLLOUT:
                self._receive(buffer[: self._receive_into(buffer)])
            if self._stdin is not None and self._stdin in ready:
                self._read_input()

    def close(self) -> None:
        self._sock.close()
        for sink in self._sinks.values():
            sink.close()

    def _poller(self, signals: int) -> poll:
        """What there is to wait for now; registering anew is cheaper than keeping track of what changed."""
        poller = poll()
        poller.register(signals, POLLIN)
        full = [sink for sink in self._sinks.values() if sink.waiting]
        for sink in full:
            poller.register(sink.fd, POLLOUT)
        if self._open:
            events = (0 if full else POLLIN) | (POLLOUT if self._unsent else 0)
            if events:
                poller.register(self._sock, events)
            if self._stdin is not None and not self._unsent:
                poller.register(self._stdin, POLLIN)
        return poller

    def _receive_into(self, buffer: memoryview) -> int:
        try:
            count = self._sock.recv_into(buffer)
        except ConnectionResetError:
            count = 0
        self._open = count > 0
        return count

    def _receive(self, data: memoryview) -> None:
        for kind, payload in self._reader.feed(data):
            if kind in self._sinks:
                self._sinks[kind].write(payload)
            elif kind == frames.EXIT:
                self.outcome, self._open = frames.exit_code(bytes(payload)), False
            elif kind == frames.DETACHED:
                self.outcome, self._open = DETACHED, False
            elif kind == frames.ERROR:
                from wirt.client.errors import error_from_reply

                self.error = error_from_reply(500, bytes(payload))

    def _read_input(self) -> None:
        assert self._stdin is not None  # noqa: S101 - for the type checker; it was in the poll
        try:
            data = os.read(self._stdin, _INPUT)
        except BlockingIOError:  # a descriptor somebody else made non-blocking
            return
        except OSError:  # the terminal is gone
            data = b""
        if not data:
            self._stdin = None
        self._enqueue(frames.encode_frame(frames.STDIN, data))

    def _signalled(self, number: int) -> None:
        if number == _signal.SIGWINCH:
            self._resize()
            return
        self._interrupts += number in (_signal.SIGINT, _signal.SIGTERM)
        if self._interrupts >= _ENOUGH or not self._open:
            raise KeyboardInterrupt
        self._enqueue(frames.encode_frame(frames.SIGNAL, b"%d" % number))

    def _resize(self) -> None:
        rows, columns = (0, 0) if self._window is None else window_size(self._window)
        if rows:
            self._enqueue(frames.encode_resize(rows, columns))

    def _enqueue(self, frame: bytes) -> None:
        self._unsent.append(frame)
        self._send()

    def _send(self) -> None:
        try:
            while self._unsent:
                sent = self._sock.send(self._unsent[0], _DONTWAIT)
                self._unsent[0] = self._unsent[0][sent:]
                if not self._unsent[0]:
                    self._unsent.pop(0)
        except BlockingIOError:
            pass
        except OSError:  # the guest's side has ended: what it said last is still to be read
            self._unsent.clear()
            self._stdin = None


class _Signals:
    """Has ``handlers`` for a while. Any of their signals makes ``fd`` readable, and ``take`` says which came."""

    def __init__(self, handlers: dict[int, Any]) -> None:
        self._handlers = handlers
        self._before: dict[int, Any] = {}
        self.fd, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def __enter__(self) -> _Signals:
        _signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._before = {number: _signal.signal(number, handler) for number, handler in self._handlers.items()}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            _signal.signal(number, handler)
        _signal.set_wakeup_fd(-1)
        os.close(self.fd)
        os.close(self._write)

    def take(self) -> bytes:
        """The numbers, one a byte, in the order they came; those nobody asked to catch are left out."""
        return bytes([number for number in os.read(self.fd, 512) if number in self._handlers])


def _note(_number: int, _frame: object) -> None:
    """The byte in the pipe says it all."""


def _leave(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)
