"""Files copied into and out of a guest's root, at rest and running, friendly and hostile."""

from __future__ import annotations

import io
import os
import select
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wirt.errors import CorruptData, Forbidden, InvalidInput, NotFound, OutOfSpace
from wirt.host import mount
from wirt.host.libc import libc
from wirt.storage import archive

pytestmark = pytest.mark.root

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A guest's root with links that lead out, beside a ``secret`` folder that nothing may reach."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/key").write_text("outside")
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    (root / "etc/hosts").chmod(0o640)
    os.utime(root / "etc/hosts", (1_600_000_000, 1_600_000_000))
    (root / "config").symlink_to("/etc")
    (root / "chain").symlink_to("config")
    (root / "dangling").symlink_to("nowhere")
    (root / "loop").symlink_to("loop")
    (root / "out").symlink_to("../secret")
    (root / "absolute").symlink_to(tmp_path / "secret")
    return root


def _names(data: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return tar.getnames()


def _got(root: Path, path: str) -> list[str]:
    out = io.BytesIO()
    archive.get(root, path, out)
    return _names(out.getvalue())


def _tar(*entries: tuple[str, str | None]) -> io.BytesIO:
    """Files by name and content; None is a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content.encode()))
    return io.BytesIO(out.getvalue())


def test_stat_tells_name_size_mode_and_time(root: Path) -> None:
    told = archive.stat(root, "etc/hosts")
    assert (told.name, told.size, told.mode, told.mtime) == ("hosts", 20, 0o100640, 1_600_000_000)
    assert (archive.stat(root, "/").name, archive.stat(root, "/etc/../etc/.").name) == ("/", "etc")


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/config", "/etc"),
        ("/chain", "/etc"),
        ("/dangling", "nowhere"),
        ("/loop", "loop"),
        ("/out", "../secret"),
        ("/etc", ""),
        ("/config/", ""),
    ],
)
def test_stat_tells_where_a_link_leads_in_the_guest(root: Path, path: str, target: str) -> None:
    assert archive.stat(root, path).link_target == target


@pytest.mark.parametrize("path", ["/none", "/none/deeper", "/out/key", "/absolute/key", "/../../secret/key"])
def test_stat_of_nothing_in_the_guest_says_so(root: Path, path: str) -> None:
    with pytest.raises(NotFound, match="in the guest"):
        archive.stat(root, path)


@pytest.mark.parametrize("path", ["/etc/hosts/", "/etc/hosts/x", "", "/a\0b", "/loop/"])
def test_stat_of_what_cannot_be_is_refused(root: Path, path: str) -> None:
    with pytest.raises(InvalidInput):
        archive.stat(root, path)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/etc", ["etc", "etc/hosts"]),
        ("/etc/", ["etc", "etc/hosts"]),
        ("/etc/.", [".", "hosts"]),
        ("etc/hosts", ["hosts"]),
        ("/config", ["config"]),
        ("/config/", ["config", "config/hosts"]),
        ("/config/.", [".", "hosts"]),
    ],
)
def test_get_names_entries_as_cp_wants_them(root: Path, path: str, names: list[str]) -> None:
    assert _got(root, path) == names


@pytest.mark.parametrize("path", ["/out/", "/absolute/.", "/none"])
def test_get_never_leaves_the_guest(root: Path, path: str) -> None:
    with pytest.raises(NotFound):
        _got(root, path)


def test_put_unpacks_into_a_folder_even_through_a_link(root: Path) -> None:
    archive.put(root, "/config", _tar(("new", "1"), ("sub", None), ("sub/deep", "2")))
    assert (root / "etc/new").read_text() == "1"
    assert (root / "etc/sub/deep").read_text() == "2"


@pytest.mark.parametrize("path", ["/out", "/absolute", "/none"])
def test_put_never_leaves_the_guest(root: Path, tmp_path: Path, path: str) -> None:
    with pytest.raises(NotFound):
        archive.put(root, path, _tar(("evil", "x")))
    for name in ("out/evil", "absolute/evil", "../secret/evil"):
        with pytest.raises(InvalidInput) if name.startswith("..") else pytest.raises((InvalidInput, NotFound)):
            archive.put(root, "/", _tar((name, "x")))
    assert os.listdir(tmp_path / "secret") == ["key"]  # noqa: PTH208


def test_put_into_a_file_is_refused(root: Path) -> None:
    with pytest.raises(InvalidInput, match="/etc/hosts is not a folder"):
        archive.put(root, "/etc/hosts", _tar(("x", "x")))


def test_put_replaces_kinds_only_when_allowed(root: Path) -> None:
    for entry in (("etc", "a file"), ("etc/hosts", None)):
        with pytest.raises(InvalidInput, match="would replace"):
            archive.put(root, "/", _tar(entry), no_overwrite_dir_non_dir=True)
    assert (root / "etc/hosts").is_file()
    archive.put(root, "/", _tar(("etc", "a file")))
    assert (root / "etc").read_text() == "a file"


def test_put_of_a_broken_archive_is_told(root: Path) -> None:
    with pytest.raises(CorruptData):
        archive.put(root, "/", io.BytesIO(_tar(("file", "x" * 5000)).getvalue()[:3000]))


def test_put_into_a_read_only_root_is_forbidden(root: Path) -> None:
    mount.bind(os.fspath(root), os.fspath(root), read_only=True)
    try:
        with pytest.raises(Forbidden, match="read-only"):
            archive.put(root, "/etc", _tar(("x", "x")))
    finally:
        mount.unmount(os.fspath(root))


def test_put_onto_a_full_disk_says_so(root: Path) -> None:
    mount.mount("tmpfs", os.fspath(root / "etc"), "tmpfs", 0, "size=64k")
    try:
        with pytest.raises(OutOfSpace):
            archive.put(root, "/etc", _tar(("big", "x" * 200_000)))
    finally:
        mount.unmount(os.fspath(root / "etc"))


def test_export_is_the_whole_root(root: Path) -> None:
    out = io.BytesIO()
    archive.export(root, out)
    assert {"etc", "etc/hosts", "config", "out"} <= set(_names(out.getvalue()))


def test_root_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no root file system"):
        archive.stat(tmp_path / "none", "/")


def test_guest_that_swaps_links_while_it_is_written_keeps_nothing_outside(root: Path, tmp_path: Path) -> None:
    """``a/b`` is now a folder, now a link out, while archives go into it and come out of it."""
    (root / "a/b").mkdir(parents=True)
    (root / "a/c").symlink_to(tmp_path / "secret")
    stop = threading.Event()

    def swap() -> None:
        names = (os.fsencode(root / "a/b"), os.fsencode(root / "a/c"))
        while not stop.is_set():
            libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)

    thread = threading.Thread(target=swap)
    thread.start()
    refused = 0
    try:
        for _ in range(300):
            for work in (
                lambda: archive.put(root, "/a/b", _tar(("evil", "x"), ("sub", None), ("sub/evil", "x"))),
                lambda: archive.put(root, "/", _tar(("a/b/evil", "x"))),
                lambda: [name for name in _got(root, "/a/b/") if "key" in name] and pytest.fail("the key came out"),
            ):
                try:
                    work()
                except (NotFound, InvalidInput):
                    refused += 1
    finally:
        stop.set()
        thread.join()
    assert 0 < refused < 900, "the links were never swapped at the right moment"
    assert os.listdir(tmp_path / "secret") == ["key"]  # noqa: PTH208


_GUEST = """
import os, sys
from wirt.host import mount
from wirt.abi.linux.mount import MS_PRIVATE, MS_REC
from wirt.abi.linux.sched import CLONE_NEWNS
from wirt.host.namespaces import unshare
unshare(CLONE_NEWNS)
mount.mount("", "/", None, MS_PRIVATE | MS_REC)
mount.mount("tmpfs", sys.argv[1] + "/etc", "tmpfs")
open(sys.argv[1] + "/etc/inside", "w").write("tmpfs")
os.chroot(sys.argv[1])
os.chdir("/")
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def running(root: Path) -> Iterator[Path]:
    """The root of a process with a mount namespace of its own, and a tmpfs on its /etc."""
    child = subprocess.Popen(
        [sys.executable, "-c", _GUEST, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert select.select([child.stdout], [], [], 10)[0], "the guest did not start"
        assert child.stdout.readline() == "ready\n"
        yield Path(f"/proc/{child.pid}/root")
        child.stdin.close()


def test_running_guest_shows_its_own_mounts(root: Path, running: Path) -> None:
    assert _got(running, "/etc") == ["etc", "etc/inside"]
    assert archive.stat(running, "/chain").link_target == "/etc"
    archive.put(running, "/config", _tar(("new", "x")))
    assert _got(running, "/etc") == ["etc", "etc/inside", "etc/new"]
    assert not (root / "etc/new").exists()
    with pytest.raises(NotFound):
        archive.stat(running, "/out/key")
