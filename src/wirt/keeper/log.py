"""The guest's log: JSON lines, rotated by size.

An entry is ``{"log": "text\\n", "stream": "stdout", "time": "2024-05-01T12:00:00.123456789Z"}``, as Docker's json-file
driver writes it, but holds what one read(2) brought: often a line, under load many, and sometimes part of one, which
the next entry of the same stream continues. An entry a line would cost a hundred times as much for a guest that
writes short lines fast. Output that is no text (not UTF-8, or full of control characters, each of which would take six
bytes and the encoder's slow way) is kept whole as ``"b64"`` instead of ``"log"``.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import time

__all__ = ["GuestLog"]


_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x1b"))
_TEXT = 16  # one control character in so many bytes makes Base64 the shorter form
_SAMPLE = 4096  # bytes of a piece that are looked at: the rest is of the same kind, as a rule


class GuestLog:
    """Appends to ``path``; at ``max_size`` bytes it becomes ``path.1``, and at most ``max_files`` files are kept.

    A log that cannot be written (a full disk) never stops the guest: what could not be written is counted, and said
    in the log once writing works again.
    """

    def __init__(self, path: str, *, max_size: int, max_files: int) -> None:
        self._path = path
        self._max_size = max_size
        self._max_files = max_files
        self._lost = 0
        self._fd = self._open()
        self._size = os.fstat(self._fd).st_size

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)

    def write(self, stream: str, data: bytes) -> None:
        stamp = _now()
        try:
            self._append(_entry(data, stream, stamp), stamp)
        except OSError:
            self._lost += len(data)

    def _append(self, entry: bytes, stamp: str) -> None:
        if self._size and self._size + len(entry) > self._max_size:
            self._rotate()
        if self._lost:
            note = f"[wirt: {self._lost} bytes of output are missing here: the log could not be written]\n"
            entry = _entry(note.encode(), "stderr", stamp) + entry
        written = os.write(self._fd, entry)
        if written < len(entry):
            # Half an entry would spoil the file for its readers.
            os.ftruncate(self._fd, self._size)
            raise OSError("short write")
        self._size += written
        self._lost = 0

    def _rotate(self) -> None:
        for number in range(self._max_files - 1, 0, -1):
            older = f"{self._path}.{number - 1}" if number > 1 else self._path
            with contextlib.suppress(FileNotFoundError):
                os.rename(older, f"{self._path}.{number}")
        if self._max_files == 1:
            os.unlink(self._path)
        os.close(self._fd)
        self._fd = self._open()
        self._size = 0

    def close(self) -> None:
        os.close(self._fd)


def _entry(piece: bytes, stream: str, stamp: str) -> bytes:
    try:
        text = piece.decode() if _is_text(piece) else None
    except UnicodeDecodeError:
        text = None
    if text is not None:
        body = f'"log":{json.dumps(text, ensure_ascii=False)}'
    else:
        body = f'"b64":"{base64.b64encode(piece).decode()}"'
    return f'{{{body},"stream":"{stream}","time":"{stamp}"}}\n'.encode()


def _is_text(piece: bytes) -> bool:
    sample = piece[:_SAMPLE]
    return (len(sample) - len(sample.translate(None, _CONTROLS))) * _TEXT <= len(sample)


def _now() -> str:
    nanoseconds = time.time_ns()
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(nanoseconds // 1_000_000_000))
    return f"{seconds}.{nanoseconds % 1_000_000_000:09d}Z"
