from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from wirt.client.frames import ERROR, EXIT, STDERR, STDIN, STDOUT, FrameReader, encode_frame
from wirt.client.sdk.logs import log_lines, log_text
from wirt.client.sdk.session import RunResult, converse
from wirt.client.transport import Upgraded
from wirt.errors import RuntimeFailure, StartFailed


def talk(program: Callable[[socket.socket], None], given: str | bytes | None = None, **how: object) -> RunResult:
    """``converse`` with ``program`` at the other end."""
    ours, theirs = socket.socketpair()

    def run() -> None:
        with theirs:
            program(theirs)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        return converse(Upgraded(ours, b"", {}), given, **how)  # type: ignore[arg-type]
    finally:
        thread.join(10)


def exits(code: int) -> bytes:
    return encode_frame(EXIT, code.to_bytes(4, "big", signed=True))


def test_output_is_collected_by_stream() -> None:
    def program(sock: socket.socket) -> None:
        sock.sendall(
            encode_frame(STDOUT, b"a") + encode_frame(STDERR, b"b\xff") + encode_frame(STDOUT, b"c") + exits(3)
        )

    result = talk(program)
    assert (result.exit_code, result.stdout, result.stderr) == (3, "ac", "b\ufffd")
    assert result.stderr_bytes == b"b\xff"


def test_output_is_told_as_it_comes() -> None:
    told: list[tuple[str, bytes]] = []

    def program(sock: socket.socket) -> None:
        sock.sendall(encode_frame(STDERR, b"x") + exits(0))

    talk(program, on_output=lambda stream, data: told.append((stream, data)))
    assert told == [("stderr", b"x")]


@pytest.mark.parametrize("size", [0, 10, 5 << 20])
def test_input_goes_out_whole_while_output_comes(size: int) -> None:
    def program(sock: socket.socket) -> None:
        """Repeats its input, and ends with it."""
        reader = FrameReader()
        while data := sock.recv(65536):
            for kind, payload in reader.feed(memoryview(data)):
                if kind == STDIN and not payload:
                    sock.sendall(exits(0))
                    return
                sock.sendall(encode_frame(STDOUT, bytes(payload)))

    assert talk(program, b"y" * size).stdout_bytes == b"y" * size


def test_a_program_may_end_without_reading_its_input() -> None:
    assert talk(lambda sock: sock.sendall(exits(7)), b"z" * (10 << 20)).exit_code == 7


def test_a_failed_start_is_raised() -> None:
    body = b'{"error": "start_failed", "message": "no such program", "hint": "", "exit_code": 127}'
    with pytest.raises(StartFailed, match="no such program") as caught:
        talk(lambda sock: sock.sendall(encode_frame(ERROR, body) + exits(127)))
    assert caught.value.exit_code == 127


def test_a_lost_connection_is_raised() -> None:
    with pytest.raises(RuntimeFailure, match="was lost"):
        talk(lambda sock: sock.sendall(encode_frame(STDOUT, b"half")))


def test_check_raises_for_failure_with_the_last_words() -> None:
    assert RunResult(0).check().exit_code == 0
    with pytest.raises(RuntimeFailure, match="exit code 2: that"):
        RunResult(2, b"", b"this\nthat\n").check()


def test_logs_are_text_or_lines() -> None:
    frames = [encode_frame(STDOUT, b"one\ntw"), encode_frame(STDERR, b"err"), encode_frame(STDOUT, b"o\n\xc3")]
    frames += [encode_frame(STDOUT, b"\xbc")]
    stream = b"".join(frames)
    pieces = [stream[start : start + 5] for start in range(0, len(stream), 5)]
    assert log_text(pieces) == "one\ntwerro\nü"
    assert list(log_lines(pieces)) == ["one", "two", "ü", "err"]
