"""Logs are read back as they were written, through rotation, from any point on, and while they grow."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from wirt.engine.logs import follow, recorded
from wirt.keeper.frames import FrameReader, FrameType
from wirt.keeper.log import GuestLog
from wirt.model.wire import LogQuery


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.json"


def write(path: Path, *pieces: tuple[str, bytes], max_size: int = 1 << 20, max_files: int = 5) -> None:
    log = GuestLog(str(path), max_size=max_size, max_files=max_files)
    for stream, data in pieces:
        log.write(stream, data)
    log.close()


def read(path: Path, query: LogQuery) -> list[tuple[FrameType, bytes]]:
    return FrameReader().feed(b"".join(recorded(path, query)))


def text(path: Path, query: LogQuery) -> bytes:
    return b"".join(data for _, data in read(path, query))


def test_streams_are_kept_apart(path: Path) -> None:
    write(path, ("stdout", b"out\n"), ("stderr", b"err\n"))
    assert read(path, LogQuery()) == [(FrameType.STDOUT, b"out\n"), (FrameType.STDERR, b"err\n")]
    assert text(path, LogQuery(stderr=False)) == b"out\n"
    assert text(path, LogQuery(stdout=False)) == b"err\n"


def test_bytes_that_are_no_text_come_back_whole(path: Path) -> None:
    write(path, ("stdout", b"\xff\xfe\x00 raw \n"))
    assert text(path, LogQuery()) == b"\xff\xfe\x00 raw \n"


def test_no_log_is_an_empty_log(path: Path) -> None:
    assert text(path, LogQuery()) == b""


@pytest.mark.parametrize(
    ("count", "expected"), [(0, b""), (1, b"three\n"), (2, b"two\nthree\n"), (9, b"one\ntwo\nthree\n")]
)
def test_tail_counts_lines(path: Path, count: int, expected: bytes) -> None:
    write(path, ("stdout", b"one\ntwo\nth"), ("stdout", b"ree\n"))
    assert text(path, LogQuery(tail=count)) == expected


def test_rotated_files_are_read_in_order(path: Path) -> None:
    lines = [b"line %02d\n" % number for number in range(30)]
    write(path, *(("stdout", line) for line in lines), max_size=600, max_files=20)
    assert path.with_name("log.json.1").exists()
    assert text(path, LogQuery()) == b"".join(lines)
    assert text(path, LogQuery(tail=12)) == b"".join(lines[-12:])


def test_timestamps_stand_before_lines_not_pieces(path: Path) -> None:
    write(path, ("stdout", b"a "), ("stdout", b"line\nnext\n"))
    lines = text(path, LogQuery(timestamps=True)).decode().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["a line", "next"]
    assert all(line.split(" ")[0].endswith("Z") for line in lines)


def test_since_and_until_bound_the_time(path: Path) -> None:
    path.write_text(
        '{"log":"old\\n","stream":"stdout","time":"2024-01-01T00:00:00.500000000Z"}\n'
        '{"log":"new\\n","stream":"stdout","time":"2024-01-01T00:00:02.000000000Z"}\n'
    )
    begin = 1704067200.0
    assert text(path, LogQuery(since=begin + 1)) == b"new\n"
    assert text(path, LogQuery(until=begin + 1)) == b"old\n"
    assert text(path, LogQuery(since=begin + 0.4, until=begin + 0.6)) == b"old\n"


def test_a_torn_line_is_passed_over(path: Path) -> None:
    write(path, ("stdout", b"whole\n"))
    with path.open("ab") as file:
        file.write(b'{"log":"tor')
    assert text(path, LogQuery()) == b"whole\n"


def test_follow_brings_what_comes_through_rotations_without_gap_or_repeat(path: Path) -> None:
    lines = [b"line %03d\n" % number for number in range(200)]

    async def scenario() -> bytes:
        running = True
        log = GuestLog(str(path), max_size=1500, max_files=40)
        log.write("stdout", lines[0])

        async def produce() -> None:
            nonlocal running
            for line in lines[1:]:
                log.write("stdout", line)
                await asyncio.sleep(0.002)
            running = False

        producer = asyncio.create_task(produce())
        received = b""
        async for batch in follow(path, LogQuery(follow=True), lambda: running):
            received += b"".join(data for _, data in FrameReader().feed(batch))
        await producer
        log.close()
        return received

    assert asyncio.run(scenario()) == b"".join(lines)


def test_follow_of_an_ended_guest_ends(path: Path) -> None:
    write(path, ("stdout", b"last words\n"))

    async def scenario() -> bytes:
        return b"".join([batch async for batch in follow(path, LogQuery(follow=True), lambda: False)])

    assert FrameReader().feed(asyncio.run(scenario())) == [(FrameType.STDOUT, b"last words\n")]
