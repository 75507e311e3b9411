"""The log keeps every byte, rotates, and outlives a full disk."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wirt.keeper.log import GuestLog


def entries(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def content(path: Path) -> bytes:
    return b"".join(
        base64.b64decode(entry["b64"]) if "b64" in entry else entry["log"].encode() for entry in entries(path)
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=10))
def test_log_keeps_every_byte_in_order(tmp_path: Path, pieces: list[bytes]) -> None:
    path = tmp_path / "log.json"
    path.unlink(missing_ok=True)
    log = GuestLog(str(path), max_size=1 << 20, max_files=2)
    for piece in pieces:
        log.write("stdout", piece)
    log.close()
    assert content(path) == b"".join(pieces)


def test_log_names_stream_and_time(tmp_path: Path) -> None:
    log = GuestLog(str(tmp_path / "log.json"), max_size=1 << 20, max_files=2)
    log.write("stderr", b"one\ntwo\n")
    log.close()
    [entry] = entries(tmp_path / "log.json")
    assert (entry["log"], entry["stream"]) == ("one\ntwo\n", "stderr")
    assert entry["time"].endswith("Z") and len(entry["time"]) == 30


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"plain\ttext\r\n" * 500, "log"),
        (b"\x1b[31mred\x1b[0m\n" * 500, "log"),
        (b"now and then a \x07 bell\n" * 500, "log"),
        (bytes(5000), "b64"),
        (bytes(range(1, 32)) * 200, "b64"),
        (b"\xff", "b64"),
        (b"x" * 5000 + bytes(5000), "log"),
    ],
    ids=["text", "colours", "bells", "nothing", "controls", "no UTF-8", "a late change"],
)
def test_log_takes_the_shorter_form(tmp_path: Path, data: bytes, field: str) -> None:
    log = GuestLog(str(tmp_path / "log.json"), max_size=1 << 20, max_files=2)
    log.write("stdout", data)
    log.close()
    [entry] = entries(tmp_path / "log.json")
    assert field in entry
    assert content(tmp_path / "log.json") == data


def test_log_rotates_and_keeps_so_many_files(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    log = GuestLog(str(path), max_size=500, max_files=3)
    for number in range(40):
        log.write("stdout", b"line %d\n" % number)
    log.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["log.json", "log.json.1", "log.json.2"]
    kept = content(tmp_path / "log.json.2") + content(tmp_path / "log.json.1") + content(path)
    assert kept.endswith(b"line 39\n")
    assert b"".join(b"line %d\n" % number for number in range(40)).endswith(kept)


def test_log_goes_on_in_the_file_of_an_earlier_run(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    for text in (b"first\n", b"second\n"):
        log = GuestLog(str(path), max_size=1 << 20, max_files=2)
        log.write("stdout", text)
        log.close()
    assert content(path) == b"first\nsecond\n"


def test_log_says_what_it_lost_when_writing_works_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.json"
    log = GuestLog(str(path), max_size=1 << 20, max_files=2)

    def full(_fd: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.write", full)
        log.write("stdout", b"lost\n")
    log.write("stdout", b"kept\n")
    log.close()
    note, kept = entries(path)
    assert "5 bytes" in note["log"] and kept["log"] == "kept\n"
