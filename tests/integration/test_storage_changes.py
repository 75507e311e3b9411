"""What ``wirt diff`` tells, from real overlay mounts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wirt.host import mount
from wirt.storage import overlay
from wirt.storage.changes import changes, placeholders

pytestmark = pytest.mark.root


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Path]:
    """A bottom layer to change: /etc/{hosts,passwd}, /usr/bin/{a,b}, /var/cache/x/y."""
    layer = tmp_path / "base"
    for name in ("etc/hosts", "etc/passwd", "usr/bin/a", "usr/bin/b", "var/cache/x/y"):
        (layer / name).parent.mkdir(parents=True, exist_ok=True)
        (layer / name).write_text(name)
    yield layer
    for point in mount.mounted_below(os.fspath(tmp_path)):
        mount.unmount(point)


def _diff(layers: list[Path], change: Callable[[Path], object]) -> list[str]:
    """Let ``change`` work on a root over ``layers``; the lines ``wirt diff`` would print."""
    guest = layers[0].parent / "guest"
    change(overlay.mount_rootfs(layers, guest))
    overlay.unmount_rootfs(guest)
    told = [f"{change.kind} {change.path}" for change in changes(guest / "upper", layers)]
    overlay.remove_guest_dir(guest)
    return told


def test_changes_of_an_untouched_root_are_none(base: Path) -> None:
    assert _diff([base], lambda root: (root / "etc/hosts").read_text()) == []


def test_placeholders_are_what_is_there_for_mounts_alone(base: Path) -> None:
    guest = base.parent / "guest"
    root = overlay.mount_rootfs([base], guest)
    for name in ("proc", "sys", "dev", "data"):
        (root / name).mkdir()
    for name in ("etc/hostname", "etc/resolv.conf", "dev/mine"):
        (root / name).touch()
    overlay.unmount_rootfs(guest)
    assert placeholders(guest / "upper", [base]) == {"/etc/hostname", "/etc/resolv.conf", "/proc", "/sys"}
    overlay.remove_guest_dir(guest)


def test_added_file_counts_its_folders_as_modified(base: Path) -> None:
    assert _diff([base], lambda root: (root / "usr/bin/c").touch()) == ["C /usr", "C /usr/bin", "A /usr/bin/c"]


def test_added_folder_is_told_with_its_content(base: Path) -> None:
    def change(root: Path) -> None:
        (root / "srv/www").mkdir(parents=True)
        (root / "srv/www/index").touch()
        (root / "srv/link").symlink_to("nowhere")

    assert _diff([base], change) == ["A /srv", "A /srv/link", "A /srv/www", "A /srv/www/index"]


def test_modified_file_is_told_as_such(base: Path) -> None:
    assert _diff([base], lambda root: (root / "etc/hosts").write_text("!")) == ["C /etc", "C /etc/hosts"]


def test_deleted_folder_is_told_without_its_content(base: Path) -> None:
    assert _diff([base], lambda root: shutil.rmtree(root / "var/cache")) == ["C /var", "D /var/cache"]


@pytest.mark.parametrize("change", [lambda path: path.chmod(0o700), lambda path: os.chown(path, 5, 6)])
def test_metadata_alone_counts_as_modified(base: Path, change: Callable[[Path], None]) -> None:
    assert _diff([base], lambda root: change(root / "usr/bin/a")) == ["C /usr", "C /usr/bin", "C /usr/bin/a"]
    assert _diff([base], lambda root: change(root / "usr/bin")) == ["C /usr", "C /usr/bin"]


def test_capability_counts_and_another_attribute_does_not(base: Path) -> None:
    capability = bytes.fromhex("0100000200200000000000000000000000000000")

    def change(root: Path) -> None:
        os.setxattr(root / "usr/bin/a", "security.capability", capability)
        os.setxattr(root / "usr/bin/b", "user.note", b"x")

    assert _diff([base], change) == ["C /usr", "C /usr/bin", "C /usr/bin/a"]


def test_time_of_a_folder_says_nothing_and_of_a_file_much(base: Path) -> None:
    assert _diff([base], lambda root: os.utime(root / "usr", (1, 1))) == []
    assert _diff([base], lambda root: os.utime(root / "etc/hosts", (1, 1))) == ["C /etc", "C /etc/hosts"]


def test_file_opened_for_writing_and_left_alone_is_unchanged(base: Path) -> None:
    assert _diff([base], lambda root: (root / "etc/hosts").open("a").close()) == []


def test_folder_made_anew_hides_what_was_there(base: Path) -> None:
    def change(root: Path) -> None:
        shutil.rmtree(root / "usr/bin")
        (root / "usr/bin").mkdir()
        (root / "usr/bin/b").write_text("other")
        (root / "usr/bin/new").touch()

    told = ["C /usr", "C /usr/bin", "D /usr/bin/a", "C /usr/bin/b", "A /usr/bin/new"]
    assert _diff([base], change) == told


def test_folder_replaced_by_a_file_and_the_reverse(base: Path) -> None:
    def change(root: Path) -> None:
        shutil.rmtree(root / "var")
        (root / "var").write_text("a file now")
        (root / "etc/hosts").unlink()
        (root / "etc/hosts").mkdir()
        (root / "etc/hosts/inside").touch()

    assert _diff([base], change) == ["C /etc", "C /etc/hosts", "A /etc/hosts/inside", "C /var"]


def test_what_an_upper_layer_deleted_is_new_again(base: Path, tmp_path: Path) -> None:
    middle = tmp_path / "middle"
    (middle / "etc").mkdir(parents=True)
    os.mknod(middle / "etc/passwd", 0o020000, os.makedev(0, 0))
    (middle / "usr/bin").mkdir(parents=True)
    os.setxattr(middle / "usr/bin", "trusted.overlay.opaque", b"y")

    def change(root: Path) -> None:
        assert not (root / "etc/passwd").exists()
        (root / "etc/passwd").touch()
        (root / "etc/hosts").unlink()
        (root / "usr/bin/a").touch()

    told = ["C /etc", "D /etc/hosts", "A /etc/passwd", "C /usr", "C /usr/bin", "A /usr/bin/a"]
    assert _diff([middle, base], change) == told


def test_places_made_for_mounts_are_no_changes(base: Path) -> None:
    def change(root: Path) -> None:
        for name in ("proc", "sys", "dev"):
            (root / name).mkdir()
        (root / "etc/resolv.conf").touch()

    assert _diff([base], change) == []


def test_changes_walk_neither_links_nor_absurd_depth(base: Path) -> None:
    def change(root: Path) -> None:
        shutil.move(root / "usr/bin", root / "usr/old")
        (root / "usr/bin").symlink_to("/etc")
        here = os.open(root, os.O_RDONLY)
        for _ in range(2100):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)

    told = _diff([base], change)
    assert told[-6] == "A " + "/d" * (len(told) - 5)
    assert told[-5:] == ["C /usr", "C /usr/bin", "A /usr/old", "A /usr/old/a", "A /usr/old/b"]


def test_changes_of_a_guest_that_never_started_are_none(tmp_path: Path) -> None:
    assert changes(tmp_path / "upper", [tmp_path]) == []


Steps = list[tuple[str, list[str]]]
_NAMES = st.sampled_from(["a", "b"])
_STEPS = st.tuples(st.sampled_from(["write", "mkdir", "remove"]), st.lists(_NAMES, min_size=1, max_size=3))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.lists(_STEPS, max_size=6), second=st.lists(_STEPS, max_size=6), third=st.lists(_STEPS, max_size=8))
def test_changes_agree_with_a_comparison_of_the_trees(base: Path, first: Steps, second: Steps, third: Steps) -> None:
    """Three rounds of work, two of them layers: what is told is what comparing before and after finds."""
    work = base.parent / "property"
    layers = [base]
    for number, steps in enumerate((first, second)):
        guest = work / f"layer{number}"
        _work(overlay.mount_rootfs(layers, guest), steps)
        overlay.unmount_rootfs(guest)
        layers.insert(0, guest / "upper")
    guest = work / "guest"
    root = overlay.mount_rootfs(layers, guest)
    before = _tree(root)
    _work(root, third)
    after = _tree(root)
    overlay.unmount_rootfs(guest)
    told = {change.path: change.kind.value for change in changes(guest / "upper", layers)}
    overlay.remove_guest_dir(work)
    assert told == _naive(before, after)


def _work(root: Path, steps: Steps) -> None:
    for action, names in steps:
        path = root.joinpath(*names)
        if action == "remove":
            shutil.rmtree(path) if path.is_dir() else path.exists() and path.unlink()
        elif path.parent.is_dir() and not path.is_dir():
            path.unlink(missing_ok=True)
            path.mkdir() if action == "mkdir" else path.write_text("x")


def _tree(root: Path) -> dict[str, tuple[int, int]]:
    """Each path's type and, for a file, its time."""
    found = {}
    for path in root.rglob("*"):
        status = path.lstat()
        found[f"/{path.relative_to(root)}"] = (status.st_mode, 0 if path.is_dir() else status.st_mtime_ns)
    return found


def _naive(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> dict[str, str]:
    told = {path: "A" if path not in before else "C" for path in after if after[path] != before.get(path)}
    for path in before.keys() - after.keys():
        parent = path.rpartition("/")[0]
        if not parent or after.get(parent, (0,))[0] & 0o040000:
            told[path] = "D"
    for path in list(told):
        while path := path.rpartition("/")[0]:
            told.setdefault(path, "C")
    return told
