"""The image store when things go wrong from outside: killed at any moment, a disk that is full."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.archives import ImageRecipe, docker_archive, file, folder, oci_archive, tar
from wirt.errors import OutOfSpace
from wirt.host import mount
from wirt.image import ImageStore
from wirt.model.image import ImageConfig

pytestmark = pytest.mark.root

SMALL = ImageRecipe([tar(folder("etc"), file("etc/name", b"small")).getvalue()], ["small"])


def _big_layer(number: int) -> bytes:
    """Some thousand files with random contents, as of a root file system."""
    members = [file(f"{number}/{name}", os.urandom(2000)) for name in range(1500)]
    return tar(*members, file(f"{number}/large", os.urandom(4_000_000))).getvalue()


BIG = ImageRecipe([_big_layer(1), _big_layer(2), _big_layer(3)], ["big"])

# A process that loads, and says each step aloud.
LOADER = """
import sys
from pathlib import Path
from wirt.image import ImageStore

state = Path(sys.argv[1])
store = ImageStore(state / "images", state / "layers")
print("open", flush=True)
with open(sys.argv[2], "rb") as archive:
    store.load(archive, lambda progress: print(progress.task, progress.done, flush=True))
print("loaded", flush=True)
store.tag("big", "again")
store.remove("big")
print("renamed", flush=True)
store.remove("again")
print("removed", flush=True)
"""


def store_in(state: Path) -> ImageStore:
    return ImageStore(state / "images", state / "layers")


def everything(state: Path) -> list[str]:
    """Blobs, whole layers and whatever else lies about."""
    found = [*state.glob("images/**/*"), *state.glob("layers/*")]
    return sorted(str(path.relative_to(state)) for path in found)


@pytest.mark.parametrize("steps", [1, 5, 14, 18, 22, 26, 30])
def test_a_load_killed_at_any_moment_is_as_if_it_had_never_been_or_whole(tmp_path: Path, steps: int) -> None:
    store = store_in(tmp_path)
    store.load(io.BytesIO(docker_archive(SMALL)))
    before = everything(tmp_path)
    archive = tmp_path / "big.tar"
    archive.write_bytes(docker_archive(BIG))

    command = [sys.executable, "-c", LOADER, str(tmp_path), str(archive)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [line for _, line in zip(range(steps), process.stdout, strict=False)]
        process.send_signal(signal.SIGKILL)

    store = store_in(tmp_path)
    store.recover()
    names = {name for image in store.list() for name in image.names}
    if "docker.io/library/big:latest" in names or "docker.io/library/again:latest" in names:
        assert (store.rootfs(BIG.id)[0] / "3/large").read_bytes() == _contents(BIG.layers[2], "3/large")
        store.remove(BIG.id, force=True)
    assert everything(tmp_path) == before, f"killed after {said[-1:]}"
    assert (store.rootfs(SMALL.id)[0] / "etc/name").read_bytes() == b"small"

    with open(archive, "rb") as stream:
        store.load(stream)
    assert (store.rootfs(BIG.id)[2] / "1/large").read_bytes() == _contents(BIG.layers[0], "1/large")


def _contents(layer: bytes, name: str) -> bytes:
    done = subprocess.run(["tar", "-xO", name], input=layer, capture_output=True, check=True)
    return done.stdout


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with 16 MB of room."""
    place = tmp_path / "disk"
    place.mkdir()
    mount.mount("tmpfs", str(place), "tmpfs", 0, "size=16m,mode=700")
    yield place
    mount.unmount(str(place))


def _used(place: Path) -> int:
    usage = os.statvfs(place)
    return (usage.f_blocks - usage.f_bfree) * usage.f_frsize


@pytest.mark.parametrize("archive", [docker_archive(BIG), oci_archive(BIG)], ids=["docker", "oci"])
@pytest.mark.parametrize("room", [1, 6, 11, 15])
def test_a_full_disk_is_named_and_nothing_is_left_on_it(small_disk: Path, archive: bytes, room: int) -> None:
    store = store_in(small_disk)
    store.load(io.BytesIO(docker_archive(SMALL)))
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes((16 - room) * 1_000_000))
    before, used = everything(small_disk), _used(small_disk)
    with pytest.raises(OutOfSpace) as caught:
        store.load(io.BytesIO(archive))
    assert str(caught.value).isprintable()
    assert caught.value.hint
    assert everything(small_disk) == before
    assert _used(small_disk) <= used + 64 * 1024
    ballast.unlink()
    store.load(io.BytesIO(docker_archive(SMALL)))
    assert (store.rootfs(SMALL.id)[0] / "etc/name").read_bytes() == b"small"


def test_a_full_disk_stops_import_and_commit_alike(small_disk: Path, tmp_path: Path) -> None:
    store = store_in(small_disk)
    store.load(io.BytesIO(docker_archive(SMALL)))
    before = everything(small_disk)
    with pytest.raises(OutOfSpace):
        store.import_rootfs(io.BytesIO(BIG.layers[0] + BIG.layers[1]), "big")
    upper = tmp_path / "upper"
    upper.mkdir()
    (upper / "large").write_bytes(os.urandom(17_000_000))
    with pytest.raises(OutOfSpace):
        store.commit(SMALL.id, upper, ImageConfig(), name="big")
    assert everything(small_disk) == before


def test_a_missing_layer_on_a_full_disk_is_made_once_there_is_room(small_disk: Path) -> None:
    store = store_in(small_disk)
    image = ImageRecipe([tar(file("large", os.urandom(4_000_000))).getvalue()], ["one"])
    store.load(io.BytesIO(docker_archive(image)))
    for path in sorted((small_disk / "layers").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(9_000_000))
    with pytest.raises(OutOfSpace):
        store.rootfs(image.id)
    ballast.unlink()
    assert (store.rootfs(image.id)[0] / "large").stat().st_size == 4_000_000
