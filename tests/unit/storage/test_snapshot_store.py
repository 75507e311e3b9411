"""Snapshots on disk: what is there, what images they need, and what a killed daemon left."""

from __future__ import annotations

from pathlib import Path

from wirt.model.guest import GuestSpec, Kind
from wirt.model.snapshot import Snapshot
from wirt.storage.snapshots import Snapshots


def _snapshot(number: int, image: str) -> Snapshot:
    spec = GuestSpec(image="busybox")
    return Snapshot(f"{number:064x}", f"s{number}", 1.0, Kind.MICRO, "g", image, spec, "kvm", 4096, own_image=True)


def test_an_image_is_needed_from_the_draft_on(tmp_path: Path) -> None:
    store = Snapshots(tmp_path)
    with store.draft() as draft:
        assert store.images() == {}
        store.claim(draft, "sha256:1", "s1", own=True)
        assert store.images() == {"sha256:1": "snapshot s1"}
        store.keep(draft, _snapshot(1, "sha256:1"))
    assert store.images() == Snapshots(tmp_path).images() == {"sha256:1": "snapshot s1"}
    store.remove(f"{1:064x}")
    assert store.images() == {} and list(tmp_path.iterdir()) == []


def test_a_draft_that_is_given_up_needs_nothing(tmp_path: Path) -> None:
    store = Snapshots(tmp_path)
    with store.draft() as draft:
        store.claim(draft, "sha256:1", "s1", own=True)
    assert store.images() == {} and list(tmp_path.iterdir()) == []


def test_what_a_killed_daemon_left_stays_until_its_image_is_gone(tmp_path: Path) -> None:
    store = Snapshots(tmp_path)
    with store.draft() as draft:
        store.claim(draft, "sha256:1", "s1", own=True)
        draft.rename(tmp_path / ".killed")
        (tmp_path / ".empty").mkdir()
        (tmp_path / ".damaged").mkdir()
        (tmp_path / ".damaged" / "image").write_bytes(b"\xff")
    for _ in range(2):  # it may be killed again before it has seen to the image
        again = Snapshots(tmp_path)
        assert again.left == [(tmp_path / ".killed", "sha256:1")]
        assert [entry.name for entry in tmp_path.iterdir()] == [".killed"]
    again.forget(tmp_path / ".killed")
    assert list(tmp_path.iterdir()) == [] and Snapshots(tmp_path).left == []


def test_a_removal_that_was_cut_off_leaves_the_image_to_the_next(tmp_path: Path) -> None:
    store = Snapshots(tmp_path)
    with store.draft() as draft:
        store.claim(draft, "sha256:1", "s1", own=True)
        store.keep(draft, _snapshot(1, "sha256:1"))
    store.folder(f"{1:064x}").rename(tmp_path / f".{1:064x}")
    assert Snapshots(tmp_path).left == [(tmp_path / f".{1:064x}", "sha256:1")]
