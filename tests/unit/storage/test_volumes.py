"""Volumes as folders: names, records, and what a killed daemon leaves. Mounts are in tests/integration."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from wirt.errors import Conflict, CorruptData, InvalidInput, NotFound
from wirt.model.network import Volume, VolumeSpec
from wirt.storage.volumes import Volumes


@pytest.fixture
def volumes(tmp_path: Path) -> Volumes:
    return Volumes(tmp_path / "volumes")


def test_volume_is_found_again_by_another_daemon(volumes: Volumes, tmp_path: Path) -> None:
    made = volumes.create(VolumeSpec("data", labels={"who": "me"}))
    assert made == Volumes(tmp_path / "volumes").get("data")
    assert made.mountpoint == f"{tmp_path}/volumes/data/_data"
    assert (made.driver, made.anonymous, made.labels) == ("local", False, {"who": "me"})
    assert list(Path(made.mountpoint).iterdir()) == []


def test_volume_without_a_name_is_anonymous(volumes: Volumes) -> None:
    made = volumes.create(VolumeSpec())
    assert re.fullmatch(r"[0-9a-f]{64}", made.name)
    assert made.anonymous
    assert volumes.is_anonymous(made.name)
    assert not volumes.is_anonymous("none")


@pytest.mark.parametrize("name", ["a", ".hidden", "-x", "a/b", "../up", "a b", "x" * 256, "a\n", "ä1"])
def test_volume_name_is_checked(volumes: Volumes, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="not a name"):
        volumes.create(VolumeSpec(name))
    with pytest.raises(NotFound):
        volumes.get(name)
    assert list((tmp_path / "volumes").iterdir()) == []


def test_volume_made_twice_is_the_same_one(volumes: Volumes) -> None:
    first = volumes.create(VolumeSpec("data", labels={"a": "b"}))
    assert volumes.create(VolumeSpec("data")) == first


def test_volume_with_other_options_is_a_conflict(volumes: Volumes) -> None:
    options = {"type": "tmpfs", "device": "tmpfs"}
    made = volumes.create(VolumeSpec("data", options=options))
    assert volumes.create(VolumeSpec("data")) == made
    assert volumes.create(VolumeSpec("data", options=options)) == made
    with pytest.raises(Conflict, match="other options"):
        volumes.create(VolumeSpec("data", options={**options, "o": "size=1m"}))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (VolumeSpec("data", driver="nfs"), "no volume driver 'nfs'"),
        (VolumeSpec("data", options={"size": "1g"}), "no option 'size'"),
        (VolumeSpec("data", options={"type": "tmpfs"}), "needs device"),
        (VolumeSpec("data", options={"o": "ro"}), "needs type"),
    ],
)
def test_volume_that_cannot_be_is_refused(volumes: Volumes, spec: VolumeSpec, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        volumes.create(spec)
    assert volumes.list() == []


def test_volumes_made_at_once_under_one_name_are_one(volumes: Volumes, tmp_path: Path) -> None:
    start = threading.Barrier(6)
    made: list[Volume] = []

    def make() -> None:
        start.wait()
        made.append(volumes.create(VolumeSpec("same")))

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [volumes.get("same")] * 6
    assert [path.name for path in (tmp_path / "volumes").iterdir()] == ["same"]


def test_remove_deletes_and_tells_the_bytes(volumes: Volumes, tmp_path: Path) -> None:
    data = Path(volumes.create(VolumeSpec("data")).mountpoint)
    (data / "file").write_bytes(b"x" * 1000)
    assert volumes.remove("data", in_use={"other": "web"}) == 1000
    assert list((tmp_path / "volumes").iterdir()) == []
    with pytest.raises(NotFound):
        volumes.remove("data", in_use={})


def test_remove_of_a_used_volume_is_a_conflict(volumes: Volumes) -> None:
    volumes.create(VolumeSpec("data"))
    with pytest.raises(Conflict, match="in use by guest web"):
        volumes.remove("data", in_use={"data": "web"})
    volumes.use("data", "g1")
    with pytest.raises(Conflict, match="in use by guest g1"):
        volumes.remove("data", in_use={})
    volumes.release("data", "g1")
    volumes.remove("data", in_use={})


def test_record_that_does_not_parse_is_named(volumes: Volumes, tmp_path: Path) -> None:
    volumes.create(VolumeSpec("data"))
    (tmp_path / "volumes/data/volume.json").write_text('{"driver": 1}')
    with pytest.raises(CorruptData, match=r"data/volume.json does not parse"):
        volumes.get("data")


def test_recover_sweeps_what_is_half_made(volumes: Volumes, tmp_path: Path) -> None:
    root = tmp_path / "volumes"
    kept = volumes.create(VolumeSpec("data"))
    for folder in (".new.1/_data", ".gone.2/_data/sub", "data/.filling/sub"):
        (root / folder).mkdir(parents=True)
    volumes.recover({})
    assert [path.name for path in root.iterdir()] == ["data"]
    assert sorted(path.name for path in (root / "data").iterdir()) == ["_data", "volume.json"]
    assert volumes.list() == [kept]


def test_recover_takes_over_what_running_guests_hold(volumes: Volumes) -> None:
    volumes.create(VolumeSpec("data"))
    volumes.recover({"data": ["g1", "g2"]})
    volumes.release("data", "g1")
    with pytest.raises(Conflict):
        volumes.remove("data", in_use={})
    volumes.release("data", "g2")
    volumes.remove("data", in_use={})


_CHURN = """
import itertools, sys
from pathlib import Path
from wirt.model.network import VolumeSpec
from wirt.storage.volumes import Volumes
volumes = Volumes(Path(sys.argv[1]))
for number in itertools.count():
    (Path(volumes.create(VolumeSpec(f"v{number}")).mountpoint) / "file").touch()
    if number % 2:
        volumes.remove(f"v{number}", in_use={})
    print(number, flush=True)
"""


def test_volumes_survive_a_kill_at_any_moment(tmp_path: Path) -> None:
    root = tmp_path / "volumes"
    for lines in (1, 4, 9):
        child = subprocess.Popen([sys.executable, "-c", _CHURN, str(root)], stdout=subprocess.PIPE, text=True)
        with child:
            assert child.stdout is not None
            told = [int(child.stdout.readline()) for _ in range(lines)]
            child.send_signal(signal.SIGKILL)
        volumes = Volumes(root)
        volumes.recover({})
        names = {volume.name for volume in volumes.list()}
        assert {f"v{number}" for number in told if number % 2 == 0} <= names
        assert all(Path(volume.mountpoint).is_dir() for volume in volumes.list())
        assert {path.name for path in root.iterdir()} == names
