"""The leak check finds what it promises to find, and fails the run that left it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from framework.leaks import MARK, Watch

NEEDED = ("conftest.py", "framework/leaks.py", "framework/instance.py")


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)


@contextmanager
def _mount(folder: Path) -> Iterator[str]:
    _run("mount", "-t", "tmpfs", "leak", str(folder))
    try:
        yield f"mount: {folder} (tmpfs)"
    finally:
        _run("umount", str(folder))


@contextmanager
def _link(_: Path) -> Iterator[str]:
    _run("ip", "link", "add", "wirt-leak", "type", "bridge")
    try:
        yield "link: wirt-leak"
    finally:
        _run("ip", "link", "del", "wirt-leak")


@contextmanager
def _table(_: Path) -> Iterator[str]:
    _run("nft", "add", "table", "inet", "wirt-leak")
    try:
        yield "nftables table: inet wirt-leak"
    finally:
        _run("nft", "delete", "table", "inet", "wirt-leak")


@contextmanager
def _cgroup(_: Path) -> Iterator[str]:
    root = Path("/sys/fs/cgroup")
    group = (root if (root / "cgroup.procs").exists() else root / "pids") / "wirt-leak"
    group.mkdir()
    try:
        yield f"control group: /{group.name}"
    finally:
        group.rmdir()


@contextmanager
def _cat(*argv: str, env: dict[str, str] | None = None) -> Iterator[int]:
    """The id of a process that surely runs what ``argv`` says, which ends in cat."""
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, env=env) as process:
        assert process.stdin and process.stdout
        try:
            process.stdin.write(b"x")
            process.stdin.flush()
            process.stdout.read(1)
            yield process.pid
        finally:
            process.stdin.close()


@contextmanager
def _marked_process(_: Path) -> Iterator[str]:
    with _cat("cat") as pid:
        yield f"process: {pid} cat"


@contextmanager
def _named_process(folder: Path) -> Iterator[str]:
    unmarked = {name: value for name, value in os.environ.items() if name != MARK}
    (folder / "empty").touch()
    with _cat("cat", str(folder / "empty"), "-", env=unmarked) as pid:
        yield f"process: {pid} cat {folder}/empty -"


@contextmanager
def _namespace(_: Path) -> Iterator[str]:
    with _cat("unshare", "--net", "cat") as pid:
        yield f"network namespace: {Path(f'/proc/{pid}/ns/net').readlink()}"


@contextmanager
def _loop(folder: Path) -> Iterator[str]:
    file = folder / "disk"
    file.write_bytes(bytes(1 << 20))
    device = subprocess.run(["losetup", "--find", "--show", file], check=True, capture_output=True, text=True)
    name = device.stdout.strip()
    try:
        yield f"loop device: {Path(name).name} of {file}"
    finally:
        _run("losetup", "--detach", name)


@pytest.mark.root
@pytest.mark.parametrize(
    "leak",
    [_mount, _link, _table, _cgroup, _marked_process, _named_process, _namespace, _loop],
    ids=lambda f: f.__name__,
)
def test_watch_reports_a_leak_by_name_and_nothing_once_it_is_gone(leak: Callable[[Path], object], watch: Watch) -> None:
    watch = Watch(watch.folder, watch.mark, alone=True)
    at_once = replace(watch, patience=0)
    folder = watch.folder / leak.__name__
    folder.mkdir()
    before = watch.look()
    with leak(folder) as name:  # type: ignore[attr-defined]
        assert name in map(str, at_once.leaked(before))
    assert name not in map(str, watch.leaked(before))


@pytest.mark.root
def test_watch_that_is_not_alone_counts_only_what_names_the_session(watch: Watch) -> None:
    folder = watch.folder / "shared"
    folder.mkdir()
    narrow = Watch(watch.folder, watch.mark, patience=0)
    before = narrow.look()
    with _link(folder), _mount(folder) as mount:
        assert list(map(str, narrow.leaked(before))) == [mount]


@pytest.mark.root
def test_session_that_leaves_a_mount_behind_fails_and_names_it(pytester: pytest.Pytester) -> None:
    here = Path(__file__).parent.parent
    pytester.mkdir("framework")
    for name in NEEDED:
        (pytester.path / name).symlink_to(here / name)
    pytester.makepyprojecttoml('[tool.pytest.ini_options]\npythonpath = ["."]\naddopts = "--import-mode=importlib"')
    test = pytester.makepyfile(
        """
        import subprocess

        def test_leaves_a_mount(watch):
            folder = watch.folder / "left"
            folder.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "leak", folder], check=True)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--patience=0", test, timeout=60)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*left on the host: mount: /tmp/wirt-t-*/left (tmpfs)*"])
