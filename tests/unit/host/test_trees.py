"""Deleting and measuring folders with hostile content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wirt.host.trees import remove_tree, tree_size


def _nest(folder: Path, depth: int) -> None:
    """``depth`` folders in one another, each with a file: deeper than any path could name."""
    fd = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=fd)
        below = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
        os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.close(fd)


def test_remove_tree_takes_folders_nested_deeper_than_a_path(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    _nest(top, 5000)
    remove_tree(top)
    assert list(tmp_path.iterdir()) == []


def test_remove_tree_takes_the_link_and_leaves_its_target(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.mkdir()
    link.symlink_to(target)
    remove_tree(link)
    assert list(tmp_path.iterdir()) == [target]


def test_remove_tree_of_nothing_is_no_error(tmp_path: Path) -> None:
    remove_tree(tmp_path / "none")
    remove_tree(tmp_path / "none/deeper")


def test_tree_size_counts_files_once_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").write_bytes(b"x" * 100)
    os.link(tmp_path / "a/b/file", tmp_path / "a/same")
    (tmp_path / "a/other").write_bytes(b"x" * 11)
    (tmp_path / "a/up").symlink_to("..")
    assert tree_size(tmp_path / "a") == 111 + len("..")
    assert tree_size(tmp_path / "none") == 0


def test_tree_size_passes_over_what_lies_too_deep(tmp_path: Path) -> None:
    _nest(tmp_path, 2500)
    assert tree_size(tmp_path) == 0
    remove_tree(tmp_path / "d")


@pytest.mark.root
def test_remove_tree_lifts_attributes(tmp_path: Path) -> None:
    import subprocess

    top = tmp_path / "top"
    (top / "folder").mkdir(parents=True)
    (top / "folder/file").touch()
    for flags, name in (("+i", "folder/file"), ("+a", "folder"), ("+i", "")):
        subprocess.run(["chattr", flags, top / name], check=True)
    remove_tree(top)
    assert not top.exists()
