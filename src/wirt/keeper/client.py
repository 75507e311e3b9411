"""One attached client: frames in, frames out, over a socket that the daemon handed to us."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
from collections.abc import Callable
from typing import Protocol

from wirt.keeper.frames import FrameError, FrameReader, FrameType, encode, encode_exit

__all__ = ["Client", "ClientOptions", "Target"]

_READ = 64 << 10
# Past this much unsent output the program's pipes are not read until the client has caught up.
_HIGH_WATER = 1 << 20
_RESIZE = struct.Struct(">HH")


class Target(Protocol):
    """What a client is attached to."""

    def write_stdin(self, data: bytes) -> None: ...
    def close_stdin(self) -> None: ...
    def resize(self, rows: int, columns: int) -> None: ...
    def signal(self, name: str) -> None: ...
    def client_gone(self, client: Client) -> None: ...
    def pressure_changed(self) -> None: ...
    @property
    def stdin_full(self) -> bool: ...
    @property
    def has_terminal(self) -> bool: ...


class ClientOptions:
    """What the client asked for; ``stdin_once``: its end of input is the program's."""

    __slots__ = ("detach_keys", "stderr", "stdin", "stdin_once", "stdout")

    def __init__(
        self, *, stdin: bool, stdout: bool, stderr: bool, stdin_once: bool = False, detach_keys: bytes = b""
    ) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.stdin_once = stdin_once
        self.detach_keys = detach_keys


class Client:
    """Belongs to the keeper's loop. Ends itself on any error of its socket and tells its target."""

    def __init__(
        self, sock: socket.socket, options: ClientOptions, target: Target, selector: selectors.BaseSelector
    ) -> None:
        sock.setblocking(False)
        self.options = options
        self._sock = sock
        self._target = target
        self._selector = selector
        self._reader = FrameReader()
        self._out = bytearray()
        self._typed = 0  # how much of the detach keys was typed so far
        self._closing = False
        self._reading = True
        self._open = True
        self._events = 0  # what the selector watches for
        self._watch()

    @property
    def behind(self) -> bool:
        """Whether the program should wait for this client."""
        return len(self._out) > _HIGH_WATER

    def output(self, kind: FrameType, data: bytes) -> None:
        if (kind is FrameType.STDOUT and self.options.stdout) or (kind is FrameType.STDERR and self.options.stderr):
            self._send(encode(kind, data))

    def finish(self, code: int, error: bytes = b"") -> None:
        """The last frames; the connection ends when they are out."""
        self._closing = True
        self._send((encode(FrameType.ERROR, error) if error else b"") + encode_exit(code))

    def on_ready(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush()
        if events & selectors.EVENT_READ and self._open and self._reading:
            self._receive()

    def pause_input(self, *, paused: bool) -> None:
        """Stop or go on reading frames: the program does not take its input as fast as we get it."""
        if self._open and self._reading == paused:
            self._reading = not paused
            self._watch()

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        if self._events:
            self._selector.unregister(self._sock)
        self._sock.close()
        self._target.client_gone(self)

    def _send(self, data: bytes) -> None:
        if not self._open:
            return
        was_behind = self.behind
        self._out += data
        self._flush()
        if self.behind != was_behind:
            self._target.pressure_changed()

    def _flush(self) -> None:
        was_behind = self.behind
        try:
            while self._out:
                sent = self._sock.send(self._out)
                del self._out[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        if not self._out and self._closing:
            # A half-close first: a close with unread input in the queue would reset the connection and could
            # destroy the frames that are still on their way.
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_WR)
            self.close()
            return
        self._watch()
        if was_behind and not self.behind:
            self._target.pressure_changed()

    def _watch(self) -> None:
        events = (selectors.EVENT_WRITE if self._out else 0) | (selectors.EVENT_READ if self._reading else 0)
        if events == self._events:
            return
        if not events:
            self._selector.unregister(self._sock)
        elif self._events:
            self._selector.modify(self._sock, events, self.on_ready)
        else:
            self._selector.register(self._sock, events, self.on_ready)
        self._events = events

    def _receive(self) -> None:
        try:
            data = self._sock.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        try:
            frames = self._reader.feed(data)
        except FrameError:
            self.close()
            return
        for kind, payload in frames:
            handler = _HANDLERS.get(kind)
            if handler is None:
                self.close()
            if handler is None or not self._open:
                return
            handler(self, payload)
        self.pause_input(paused=self._target.stdin_full)

    def _on_stdin(self, payload: bytes) -> None:
        if not self.options.stdin:
            return
        if not payload:
            if self.options.stdin_once:
                self._target.close_stdin()
            return
        before, detached = self._split_detach_keys(payload)
        if before:
            self._target.write_stdin(before)
        if detached:
            self._closing = True
            self._send(encode(FrameType.DETACHED))

    def _split_detach_keys(self, payload: bytes) -> tuple[bytes, bool]:
        """What to pass on, and whether the detach keys were completed. Withheld keys follow when others come."""
        keys = self.options.detach_keys
        if not keys or not self._target.has_terminal:  # what goes into a pipe may be anything
            return payload, False
        passed = bytearray()
        for byte in payload:
            if byte == keys[self._typed]:
                self._typed += 1
                if self._typed == len(keys):
                    return bytes(passed), True
                continue
            passed += keys[: self._typed]
            self._typed = 1 if byte == keys[0] else 0
            if not self._typed:
                passed.append(byte)
        return bytes(passed), False

    def _on_resize(self, payload: bytes) -> None:
        if len(payload) == _RESIZE.size:
            self._target.resize(*_RESIZE.unpack(payload))

    def _on_signal(self, payload: bytes) -> None:
        self._target.signal(payload.decode("ascii", "replace"))


_HANDLERS: dict[FrameType, Callable[[Client, bytes], None]] = {
    FrameType.STDIN: Client._on_stdin,
    FrameType.RESIZE: Client._on_resize,
    FrameType.SIGNAL: Client._on_signal,
}
