"""``wirt cp`` between this host and a guest that runs, that has ended, and one that wishes us ill."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.instance import PROGRAM, Instance

SETUP = "mkdir -p /data/sub; echo one >/data/one; ln -s /data/one /data/link; ln -s data /to; echo two >/data/sub/two"


@pytest.fixture(scope="module")
def guest(host: Instance) -> Iterator[str]:
    host.ok("run", "-d", "--name", "g", "busybox", "sh", "-c", f"{SETUP}; echo up; exec sleep 1000")
    while "up" not in host.ok("logs", "g"):
        pass
    yield "g"
    host.ok("rm", "-f", "g")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cp(host: Instance, *words: str, **how: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([PROGRAM, "cp", *words], env=host.env, capture_output=True, check=False, **how)  # type: ignore[call-overload,no-any-return]


def tree(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


@pytest.mark.parametrize(
    ("words", "made"),
    [
        ("/data/one .", ["one"]),
        ("/data/one other", ["other"]),
        ("/data .", ["data", "data/link", "data/one", "data/sub", "data/sub/two"]),
        ("/data new", ["new", "new/link", "new/one", "new/sub", "new/sub/two"]),
        ("/data/. .", ["link", "one", "sub", "sub/two"]),
        ("data/sub/ .", ["sub", "sub/two"]),
        ("/to .", ["to"]),
    ],
)
def test_files_come_out_where_cp_would_put_them(
    host: Instance, guest: str, here: Path, words: str, made: list[str]
) -> None:
    source, target = words.split()
    done = cp(host, f"{guest}:{source}", target)
    assert (done.returncode, done.stderr) == (0, b"")
    assert tree(here) == made


def test_links_come_out_as_links_or_as_what_they_lead_to(host: Instance, guest: str, here: Path) -> None:
    assert cp(host, f"{guest}:/data/link", "a").returncode == 0
    assert cp(host, "-L", f"{guest}:/data/link", "b").returncode == 0
    assert (here / "a").readlink() == Path("/data/one")
    assert (here / "b").read_text() == "one\n"


def test_files_go_in_where_cp_would_put_them(host: Instance, guest: str, here: Path) -> None:
    (here / "src/sub").mkdir(parents=True)
    (here / "src/sub/three").write_text("three\n")
    (here / "file").write_text("file\n")
    os.chown(here / "file", 1234, 1234)
    for words in ("src /in", "src /in", "src/. /to/sub", "file /in/renamed", "file /in/sub/", "file /to"):
        source, target = words.split()
        done = cp(host, source, f"{guest}:{target}")
        assert (done.returncode, done.stderr) == (0, b"")
    found = host.ok("exec", guest, "find", "/in", "/data/sub", "/data/file").splitlines()
    assert sorted(found) == [
        "/data/file", "/data/sub", "/data/sub/sub", "/data/sub/sub/three", "/data/sub/two", "/in", "/in/renamed",
        "/in/src", "/in/src/sub", "/in/src/sub/three", "/in/sub", "/in/sub/file", "/in/sub/three",
    ]  # fmt: skip
    assert host.ok("exec", guest, "stat", "-c", "%u", "/data/file") == "0"
    assert cp(host, "-a", "file", f"{guest}:/kept").returncode == 0
    assert host.ok("exec", guest, "stat", "-c", "%u", "/kept") == "1234"


def test_archives_go_through_pipes(host: Instance, guest: str, here: Path) -> None:
    out = cp(host, f"{guest}:/data/sub", "-")
    with tarfile.open(fileobj=io.BytesIO(out.stdout)) as archive:
        assert "sub/two" in archive.getnames()
    assert cp(host, "-", f"{guest}:/tmp", input=out.stdout).returncode == 0
    assert host.ok("exec", guest, "cat", "/tmp/sub/two") == "two"


def test_large_files_survive_the_round_trip(host: Instance, guest: str, here: Path) -> None:
    data = os.urandom(20_000_000)
    (here / "big").write_bytes(data)
    assert cp(host, "big", f"{guest}:/big").returncode == 0
    assert cp(host, f"{guest}:/big", "back").returncode == 0
    assert (here / "back").read_bytes() == data


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("g:/none", "."), "there is no /none in guest g"),
        (("nobody:/x", "."), "no such guest: nobody"),
        (("g:/data/one", "none/"), "there is no folder none/"),
        (("g:/data/one", "none/x"), "there is no folder none"),
        (("g:/data", "file"), "cannot copy to file: a folder cannot replace it"),
        (("none", "g:/"), "none: No such file or directory"),
        (("file", "g:/none/"), "there is no folder /none/"),
        (("file", "g:/none/x"), "there is no /none in the guest"),
        (("-", "g:/data/one"), "an archive goes into a folder, and /data/one is none"),
    ],
)
def test_what_cannot_be_copied_is_told_in_a_line(
    host: Instance, guest: str, here: Path, words: tuple[str, str], message: str
) -> None:
    (here / "file").write_text("kept")
    done = cp(host, *words, input=b"")
    assert done.returncode == 125
    assert done.stderr.decode().splitlines()[0] == f"wirt: {message}"
    assert tree(here) == ["file"]
    assert (here / "file").read_text() == "kept"


def test_guests_that_have_ended_can_be_copied_from_and_to(host: Instance, here: Path) -> None:
    host.ok("run", "--name", "ended", "busybox", "sh", "-c", "echo kept >/kept")
    try:
        assert cp(host, "ended:/kept", ".").returncode == 0
        (here / "new").write_text("new\n")
        assert cp(host, "new", "ended:/kept").returncode == 0
        assert cp(host, "ended:/kept", "-").stdout.count(b"new\n") == 1
    finally:
        host.ok("rm", "ended")


def test_pipes_and_devices_of_a_guest_are_left_out(host: Instance, guest: str, here: Path) -> None:
    host.ok("exec", guest, "sh", "-c", "mkdir /odd && mkfifo /odd/pipe && echo x >/odd/file")
    done = cp(host, f"{guest}:/odd", ".")
    assert done.returncode == 125
    assert done.stderr == b"wirt: devices and pipes were left out: odd/pipe\nhint: -a copies them as well\n"
    assert tree(here) == ["odd", "odd/file"]
    assert cp(host, "-a", f"{guest}:/odd", "all").returncode == 0
    assert tree(here / "all") == ["file", "pipe"]
