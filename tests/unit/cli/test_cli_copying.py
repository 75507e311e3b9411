"""Where things go when they are copied: the rules against cp(1) itself, wherever the two are to agree."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from wirt.cli.copying import Place, contents_meant, local_mode, place, split
from wirt.errors import InvalidInput, WirtError

FOLDER, FILE = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o644


@pytest.mark.parametrize(
    ("argument", "guest", "path"),
    [
        ("web:/etc", "web", "/etc"), ("web:etc", "web", "etc"), ("/a:b", "", "/a:b"), ("./a:b", "", "./a:b"),
        ("../a:b", "", "../a:b"), ("a", "", "a"), ("-", "", "-"), ("a/b:c", "", "a/b:c"), (":x", "", ":x"),
    ],
)  # fmt: skip
def test_split_tells_guests_from_paths(argument: str, guest: str, path: str) -> None:
    assert split(argument) == (guest, path)


def test_split_wants_a_path() -> None:
    with pytest.raises(InvalidInput, match="has no path"):
        split("web:")


def test_contents_are_meant_by_a_dot() -> None:
    assert contents_meant("/a/.") and contents_meant(".")
    assert not contents_meant("/a") and not contents_meant("/a/")


SOURCES = ["file", "folder", "folder/", "folder/.", "file/", "file/."]
TARGETS = ["there", "there/", "there/.", "new", "new/", "taken", "taken/", "none/new"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("source", SOURCES)
def test_place_is_where_cp_puts_things(tmp_path: Path, source: str, target: str) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for root in (ours, theirs):
        (root / "folder").mkdir(parents=True)
        (root / "folder" / "inside").write_text("inside")
        (root / "file").write_text("file")
        (root / "there").mkdir()
        (root / "taken").write_text("taken")
    done = subprocess.run(["cp", "-r", source, target], cwd=theirs, capture_output=True, check=False)
    try:
        _copy(ours, source, target)
        succeeded = True
    except (WirtError, OSError):
        succeeded = False
    assert succeeded == (done.returncode == 0), done.stderr
    if succeeded:
        assert _tree(ours) == _tree(theirs)


def _copy(root: Path, source: str, target: str) -> None:
    """What ``wirt cp`` does, with both ends on this host."""
    mode = local_mode(os.path.normpath(root / source))
    assert mode is not None
    at = place(source, mode, target, local_mode(os.path.normpath(root / target)))
    folder = root / at.folder
    if at.make:
        folder.mkdir()
    origin = Path(os.path.normpath(root / source))
    if not at.name:
        shutil.copytree(origin, folder, dirs_exist_ok=True)
    elif origin.is_dir():
        shutil.copytree(origin, folder / at.name)
    else:
        shutil.copy(origin, folder / at.name)


def _tree(root: Path) -> dict[str, str]:
    return {str(p.relative_to(root)): p.read_text() if p.is_file() else "" for p in root.rglob("*")}


def test_place_of_a_guest_s_root() -> None:
    assert place("/", FOLDER, "new", None) == Place("new", "", make=True)
    assert place("/.", FOLDER, "there", FOLDER) == Place("there", "")


def test_place_follows_dots_in_targets() -> None:
    assert place("file", FILE, ".", FOLDER) == Place(".", "file")
    assert place("file", FILE, "/a/../b", None) == Place("/", "b")


def test_local_mode_follows_links(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert stat.S_ISDIR(local_mode(str(tmp_path / "link")) or 0)
    assert local_mode(str(tmp_path / "none")) is None
