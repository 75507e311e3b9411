"""Root file systems of guests: real overlay mounts in a temporary folder."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wirt.errors import Conflict, CorruptData, InvalidInput
from wirt.host import mount
from wirt.model.finding import Level
from wirt.storage import overlay

pytestmark = pytest.mark.root


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "guests" / ("a" * 64)
    yield folder
    for point in mount.mounted_below(os.fspath(tmp_path)):
        mount.unmount(point, lazy=True)


def _layers(tmp_path: Path, count: int) -> list[Path]:
    """Topmost first; layer n has a file named n and its number in the file ``top``."""
    layers = []
    for number in reversed(range(count)):
        layer = tmp_path / "layers" / f"{number:064x}"
        layer.mkdir(parents=True)
        (layer / f"{number}").touch()
        (layer / "top").write_text(f"{number}")
        layers.append(layer)
    return layers


def _descriptors() -> set[Path]:
    return set(Path("/proc/self/fd").iterdir())


def test_rootfs_shows_the_topmost_layer_and_keeps_changes_apart(tmp_path: Path, guest: Path) -> None:
    layers = _layers(tmp_path, 3)
    merged = overlay.mount_rootfs(layers, guest)
    assert (merged / "top").read_text() == "2"
    (merged / "top").write_text("changed")
    assert (guest / "upper/top").read_text() == "changed"
    assert (layers[0] / "top").read_text() == "2"


def test_rootfs_takes_mode_and_owner_of_its_topmost_layer(tmp_path: Path, guest: Path) -> None:
    layers = _layers(tmp_path, 2)
    layers[0].chmod(0o1770)
    os.chown(layers[0], 12, 34)
    status = overlay.mount_rootfs(layers, guest).stat()
    assert (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o1770, 12, 34)


@pytest.mark.parametrize("count", [120, 200])
def test_rootfs_mounts_more_layers_than_fit_as_paths(tmp_path: Path, guest: Path, count: int) -> None:
    before = _descriptors()
    merged = overlay.mount_rootfs(_layers(tmp_path, count), guest)
    assert len(list(merged.iterdir())) == count + 1
    assert (merged / "top").read_text() == f"{count - 1}"
    assert _descriptors() == before


def test_rootfs_with_too_many_layers_says_so(tmp_path: Path, guest: Path) -> None:
    with pytest.raises(InvalidInput, match="400 layers"):
        overlay.mount_rootfs(_layers(tmp_path, 400), guest)
    assert not overlay.is_rootfs_mounted(guest)


def test_rootfs_mounts_from_paths_overlayfs_would_misread(tmp_path: Path) -> None:
    odd = tmp_path / "a:b,c\\d e"
    merged = overlay.mount_rootfs(_layers(odd, 2), odd / "guest")
    assert (merged / "top").read_text() == "1"
    overlay.remove_guest_dir(odd / "guest")


def test_rootfs_of_many_guests_mount_at_once(tmp_path: Path) -> None:
    layers = _layers(tmp_path, 70)
    guests = [tmp_path / f"g{number}" for number in range(8)]
    threads = [threading.Thread(target=overlay.mount_rootfs, args=(layers, guest)) for guest in guests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(guest / "merged/top").read_text() for guest in guests] == ["69"] * 8
    for guest in guests:
        overlay.remove_guest_dir(guest)
    assert mount.mounted_below(os.fspath(tmp_path)) == []


def test_mount_is_idempotent_and_unmount_too(tmp_path: Path, guest: Path) -> None:
    layers = _layers(tmp_path, 1)
    overlay.mount_rootfs(layers, guest)
    overlay.mount_rootfs(layers, guest)
    assert len(mount.mounted_below(os.fspath(tmp_path))) == 1
    overlay.unmount_rootfs(guest)
    assert not overlay.is_rootfs_mounted(guest)
    overlay.unmount_rootfs(guest)


@pytest.mark.parametrize("volatile", [False, True])
def test_rootfs_keeps_its_changes_over_a_remount(tmp_path: Path, guest: Path, *, volatile: bool) -> None:
    layers = _layers(tmp_path, 1)
    (overlay.mount_rootfs(layers, guest, volatile=volatile) / "new").write_text("kept")
    overlay.unmount_rootfs(guest)
    assert (overlay.mount_rootfs(layers, guest, volatile=volatile) / "new").read_text() == "kept"


def test_unmount_of_a_busy_rootfs_succeeds(tmp_path: Path, guest: Path) -> None:
    merged = overlay.mount_rootfs(_layers(tmp_path, 1), guest)
    with (merged / "top").open():
        overlay.unmount_rootfs(guest)
    assert not overlay.is_rootfs_mounted(guest)


def test_missing_layer_is_named(tmp_path: Path, guest: Path) -> None:
    layers = [*_layers(tmp_path, 1), tmp_path / "gone"]
    with pytest.raises(CorruptData, match=r"gone is missing"):
        overlay.mount_rootfs(layers, guest)
    with pytest.raises(CorruptData):
        overlay.mount_rootfs(layers[1:], tmp_path / "other")


def test_no_layers_are_refused(guest: Path) -> None:
    with pytest.raises(InvalidInput, match="no layers"):
        overlay.mount_rootfs([], guest)


def test_remove_unmounts_and_deletes_what_a_guest_wrote(tmp_path: Path, guest: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    merged = overlay.mount_rootfs(_layers(tmp_path, 2), guest)
    (merged / "top").unlink()
    (merged / "escape").symlink_to(outside)
    os.mkfifo(merged / "fifo")
    (merged / "locked").write_text("")
    (merged / "folder").mkdir()
    (merged / "folder/file").touch()
    for name in ("locked", "folder/file", "folder"):
        subprocess.run(["chattr", "+i", merged / name], check=True)
    overlay.remove_guest_dir(guest)
    assert not guest.exists()
    assert (outside / "precious").exists()
    overlay.remove_guest_dir(guest)


def test_remove_stops_at_a_mount_and_names_it(tmp_path: Path, guest: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    (guest / "upper/place").mkdir(parents=True)
    mount.bind(os.fspath(outside), os.fspath(guest / "upper/place"))
    with pytest.raises(Conflict, match=r"upper/place is mounted"):
        overlay.remove_guest_dir(guest)
    assert (outside / "precious").exists()
    mount.unmount(os.fspath(guest / "upper/place"))
    overlay.remove_guest_dir(guest)
    assert not guest.exists()


def test_probe_proves_overlay_on_the_state_folder(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (finding,) = overlay.probe(state)
    assert finding.level is Level.OK
    assert list(state.iterdir()) == []


def test_probe_says_what_cannot_hold_an_upper_folder(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    for name in ("lower", "upper", "work"):
        (tmp_path / name).mkdir()
    layers = f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work"
    mount.mount("overlay", os.fspath(state), "overlay", 0, layers)
    try:
        (finding,) = overlay.probe(state)
        assert (finding.level, finding.found) == (Level.FAIL, "overlayfs cannot write to overlay")
        assert "ext4" in finding.remedy
        assert list(state.iterdir()) == []
    finally:
        mount.unmount(os.fspath(state))
