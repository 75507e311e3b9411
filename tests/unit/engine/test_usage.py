"""What ``wirt system df`` counts, over a real state folder."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from framework.archives import ImageRecipe, docker_archive, file, tar
from wirt.engine.settings import Paths
from wirt.engine.usage import measure
from wirt.image import ImageStore
from wirt.model.guest import Guest, GuestSpec, GuestState, MountPoint, MountType
from wirt.model.network import VolumeSpec
from wirt.storage.volumes import Volumes

pytestmark = pytest.mark.root

USED = ImageRecipe([tar(file("a", bytes(5000))).getvalue()], ["used:1"])
IDLE = ImageRecipe([tar(file("b", bytes(7000))).getvalue()], ["idle:1"])


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path / "run", tmp_path / "config.toml", "")


def write(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))


def guest(name: str, image_id: str, state: GuestState, volume: str = "") -> Guest:
    mounts = (MountPoint(MountType.VOLUME, "", "/data", name=volume),) if volume else ()
    return Guest(name * 64, name, GuestSpec("used:1"), image_id, 1.0, state, mounts=mounts)


def test_usage_tells_what_is_needed_from_what_is_not(paths: Paths) -> None:
    store = ImageStore(paths.state / "images", paths.state / "layers")
    store.load(io.BytesIO(docker_archive(USED, IDLE)))
    volumes = Volumes(paths.state / "volumes")
    for name, size in (("held", 300), ("loose", 40)):
        write(Path(volumes.create(VolumeSpec(name)).mountpoint) / "deep" / "file", size)
    image_id = store.resolve("used:1")
    guests = [
        guest("r", image_id, GuestState.RUNNING, "held"),
        guest("e", image_id, GuestState.EXITED),
        guest("x", image_id, GuestState.REMOVING, "loose"),
    ]
    for each, size in zip(guests, (2000, 1000, 9), strict=True):
        write(paths.guest(each.id) / "upper" / "file", size)
    write(paths.state / "cache" / "bootstrap" / "package", 77)

    usage = measure(paths, guests, store, volumes)

    assert (usage.guests.total, usage.guests.active, usage.guests.size, usage.guests.reclaimable) == (2, 1, 3000, 1000)
    kept = usage.volumes
    assert (kept.total, kept.active, kept.size, kept.reclaimable) == (2, 1, 340, 40)
    assert [(thing.name, thing.guests) for thing in kept.things] == [("held", 1), ("loose", 0)]
    assert (usage.images.total, usage.images.active) == (2, 1)
    assert 7000 < usage.images.reclaimable < usage.images.size
    assert {thing.guests for thing in usage.images.things} == {0, 2}
    assert (usage.cache.size, usage.cache.reclaimable) == (77, 77)


def test_volume_of_another_disk_is_not_counted(paths: Paths) -> None:
    volumes = Volumes(paths.state / "volumes")
    made = volumes.create(VolumeSpec("far", options={"type": "tmpfs", "device": "tmpfs"}))
    write(Path(made.mountpoint) / "file", 10)
    usage = measure(paths, [], ImageStore(paths.state / "images", paths.state / "layers"), volumes)
    assert [thing.size for thing in usage.volumes.things] == [0]


def test_fresh_state_keeps_nothing(paths: Paths) -> None:
    store = ImageStore(paths.state / "images", paths.state / "layers")
    usage = measure(paths, [], store, Volumes(paths.state / "volumes"))
    assert [kept.size for kept in (usage.images, usage.guests, usage.volumes, usage.cache)] == [0, 0, 0, 0]
