"""A program in a guest, from its input to its end: what it wrote and how it ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from wirt.client import frames
from wirt.client.errors import error_from_reply
from wirt.client.transport import Upgraded
from wirt.errors import RuntimeFailure

__all__ = ["OnOutput", "RunResult", "converse"]

# Called with "stdout" or "stderr" and a piece of output as it comes.
OnOutput = Callable[[str, bytes], None]

_PIECE = 64 << 10
_BOTH_WAYS = 2  # SHUT_RDWR, shutdown(2)
_NAMES = {frames.STDOUT: "stdout", frames.STDERR: "stderr"}


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a program ended. ``exit_code`` as a shell has it: 128 and the signal's number for one killed by a signal."""

    exit_code: int
    stdout_bytes: bytes = b""
    stderr_bytes: bytes = b""

    @property
    def stdout(self) -> str:
        """Standard output as text; what is not UTF-8 is shown as U+FFFD."""
        return self.stdout_bytes.decode(errors="replace")

    @property
    def stderr(self) -> str:
        return self.stderr_bytes.decode(errors="replace")

    def check(self) -> RunResult:
        """Itself, if the program succeeded; ``RuntimeFailure`` with its last words otherwise."""
        if self.exit_code:
            last = self.stderr.strip().rsplit("\n", 1)[-1]
            raise RuntimeFailure(f"the program ended with exit code {self.exit_code}" + (f": {last}" if last else ""))
        return self


def converse(connection: Upgraded, given: str | bytes | None, on_output: OnOutput | None = None) -> RunResult:
    """Give a program its whole input and take its output until it ends. ``given`` None: its input is not ours."""
    written = {"stdout": bytearray(), "stderr": bytearray()}
    sender = _Sender(connection, given)
    try:
        for kind, payload in frames.iter_frames(connection):
            if kind in _NAMES:
                written[_NAMES[kind]] += payload
                if on_output is not None:
                    on_output(_NAMES[kind], payload)
            elif kind == frames.ERROR:
                raise error_from_reply(500, payload)
            elif kind == frames.EXIT:
                return RunResult(frames.exit_code(payload), bytes(written["stdout"]), bytes(written["stderr"]))
        raise RuntimeFailure("the connection to the guest was lost", hint="see whether it still runs: wirt ps")
    finally:
        with suppress(OSError):
            connection.socket.shutdown(_BOTH_WAYS)  # closing alone would not wake the sender
        sender.join()
        connection.socket.close()


class _Sender:
    """Input goes out beside the reading of output: a program may write before it has read all."""

    def __init__(self, connection: Upgraded, given: str | bytes | None) -> None:
        self._socket = connection.socket
        self._thread: threading.Thread | None = None
        if given is None:
            return
        data = given.encode() if isinstance(given, str) else given
        if len(data) <= _PIECE:  # no more than any socket takes at once
            self._send(data)
            return
        self._thread = threading.Thread(target=self._send, args=(data,), name="wirt-input", daemon=True)
        self._thread.start()

    def _send(self, data: bytes) -> None:
        with suppress(OSError):  # the program has ended without reading all
            for start in range(0, len(data), _PIECE):
                self._socket.sendall(frames.encode_frame(frames.STDIN, data[start : start + _PIECE]))
            self._socket.sendall(frames.encode_frame(frames.STDIN))

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join()
