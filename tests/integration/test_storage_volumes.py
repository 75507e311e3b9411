"""Volumes that are mounted, and volumes filled from an image's folder."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wirt.errors import RuntimeFailure
from wirt.host import mount
from wirt.model.network import VolumeSpec
from wirt.storage.volumes import Volumes

pytestmark = pytest.mark.root

_TMPFS = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,mode=0700"}


@pytest.fixture
def volumes(tmp_path: Path) -> Iterator[Volumes]:
    yield Volumes(tmp_path / "volumes")
    for point in mount.mounted_below(os.fspath(tmp_path)):
        mount.unmount(point)


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    """/data: a file of 12:34 with an attribute, a hard link to it, a link, a folder; /run and /var/run -> /run."""
    root = tmp_path / "rootfs"
    data = root / "data"
    (data / "sub").mkdir(parents=True)
    (data / "file").write_text("from the image")
    os.chown(data / "file", 12, 34)
    (data / "file").chmod(0o4750)
    os.setxattr(data / "file", "user.note", b"kept")
    os.utime(data / "file", ns=(1_000_000_001, 1_500_000_000_123_456_789))
    os.link(data / "file", data / "sub/same")
    (data / "link").symlink_to("/etc/passwd")
    data.chmod(0o2770)
    os.chown(data, 56, 78)
    (root / "run").mkdir()
    (root / "run/pid").write_text("1")
    (root / "var").mkdir()
    (root / "var/run").symlink_to("/run")
    (root / "escape").symlink_to("../../../../../../etc")
    return root


def test_empty_volume_gets_what_the_image_has(volumes: Volumes, rootfs: Path) -> None:
    volumes.create(VolumeSpec("data"))
    data = volumes.use("data", "g1", rootfs=rootfs, target="/data")
    status, same = (data / "file").stat(), (data / "sub/same").stat()
    assert (data / "file").read_text() == "from the image"
    assert (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o4750, 12, 34)
    assert status.st_mtime_ns == 1_500_000_000_123_456_789
    assert status.st_ino == same.st_ino
    assert os.getxattr(data / "file", "user.note") == b"kept"
    assert (data / "link").readlink() == Path("/etc/passwd")
    folder = data.stat()
    assert (folder.st_mode & 0o7777, folder.st_uid, folder.st_gid) == (0o2770, 56, 78)
    assert {path.name for path in data.parent.iterdir()} == {"_data", "volume.json"}


def test_volume_with_content_is_left_alone(volumes: Volumes, rootfs: Path) -> None:
    data = Path(volumes.create(VolumeSpec("data")).mountpoint)
    (data / "mine").touch()
    volumes.use("data", "g1", rootfs=rootfs, target="/data")
    assert [path.name for path in data.iterdir()] == ["mine"]


def test_volume_is_not_filled_when_told_so(volumes: Volumes, rootfs: Path) -> None:
    volumes.create(VolumeSpec("data"))
    assert list(volumes.use("data", "g1", rootfs=rootfs, target="/data", copy=False).iterdir()) == []


@pytest.mark.parametrize("target", ["/none", "/data/file", "/data/file/below", "/escape"])
def test_volume_over_no_folder_of_the_image_starts_empty(volumes: Volumes, rootfs: Path, target: str) -> None:
    volumes.create(VolumeSpec("data"))
    assert list(volumes.use("data", "g1", rootfs=rootfs, target=target).iterdir()) == []


def test_volume_is_filled_through_a_link_inside_the_image(volumes: Volumes, rootfs: Path) -> None:
    volumes.create(VolumeSpec("data"))
    data = volumes.use("data", "g1", rootfs=rootfs, target="/var/run")
    assert [path.name for path in data.iterdir()] == ["pid"]


def test_volume_another_guest_has_open_is_filled_in_place(volumes: Volumes, rootfs: Path) -> None:
    volumes.create(VolumeSpec("data"))
    before = volumes.use("data", "g1").stat().st_ino
    data = volumes.use("data", "g2", rootfs=rootfs, target="/data")
    assert data.stat().st_ino == before
    assert (data / "sub/same").exists()


def test_volume_is_filled_once_by_guests_that_start_at_once(volumes: Volumes, rootfs: Path) -> None:
    volumes.create(VolumeSpec("data"))
    inodes = []

    def use(holder: str) -> None:
        inodes.append(volumes.use("data", holder, rootfs=rootfs, target="/data").stat().st_ino)

    threads = [threading.Thread(target=use, args=(f"g{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(inodes)) == 1


def test_volume_with_options_is_mounted_while_used(volumes: Volumes, rootfs: Path) -> None:
    point = volumes.create(VolumeSpec("fast", options=_TMPFS)).mountpoint
    assert not mount.is_mounted(point)
    data = volumes.use("fast", "g1", rootfs=rootfs, target="/data")
    assert mount.is_mounted(point)
    assert (data / "file").read_text() == "from the image"
    volumes.use("fast", "g2")
    volumes.release("fast", "g1")
    assert mount.is_mounted(point)
    volumes.release("fast", "g2")
    volumes.release("fast", "g2")
    assert not mount.is_mounted(point)
    assert list(Path(point).iterdir()) == []


def test_volume_bound_to_a_folder_keeps_it_when_removed(volumes: Volumes, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "precious").touch()
    volumes.create(VolumeSpec("bound", options={"type": "none", "o": "bind", "device": str(folder)}))
    data = volumes.use("bound", "g1")
    assert (data / "precious").exists()
    volumes.release("bound", "g1")
    assert volumes.remove("bound", in_use={}) == 0
    assert (folder / "precious").exists()


def test_volume_that_does_not_mount_says_why(volumes: Volumes, tmp_path: Path) -> None:
    options = {"type": "none", "o": "bind", "device": f"{tmp_path}/missing"}
    point = volumes.create(VolumeSpec("bad", options=options)).mountpoint
    with pytest.raises(RuntimeFailure, match="missing"):
        volumes.use("bad", "g1")
    assert not mount.is_mounted(point)
    volumes.remove("bad", in_use={})


def test_recover_unmounts_what_nobody_uses_any_more(volumes: Volumes, tmp_path: Path) -> None:
    points = [volumes.create(VolumeSpec(name, options=_TMPFS)).mountpoint for name in ("used", "left")]
    volumes.use("used", "g1")
    volumes.use("left", "g2")
    successor = Volumes(tmp_path / "volumes")
    successor.recover({"used": {"g1"}})
    assert [mount.is_mounted(point) for point in points] == [True, False]
    successor.release("used", "g1")
    assert not mount.is_mounted(points[0])
