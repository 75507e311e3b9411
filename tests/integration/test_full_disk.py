"""A full disk is an input like any other: one line, the right code, nothing lost, and on again once there is space."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from framework.instance import Instance
from wirt.host.mount import mount, mounted_below, unmount

PATIENCE = 30.0


@pytest.fixture
def small_host(new_host: Callable[[], Instance], busybox_archive: Path) -> Iterator[Instance]:
    """A host whose state folder is a small file system of its own."""
    host = new_host()
    host.state.mkdir()
    mount("tmpfs", str(host.state), "tmpfs", data="size=24m")
    try:
        host.ok("image", "load", "-i", str(busybox_archive))
        yield host
    finally:
        (host.state / "filler").unlink(missing_ok=True)
        host.close()
        unmount(str(host.state))


def fill(host: Instance) -> None:
    with (host.state / "filler").open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(b"x" * size)
            except OSError:
                size //= 2


def free(host: Instance) -> None:
    (host.state / "filler").unlink()


def test_run_on_a_full_disk_says_so_and_leaves_nothing(small_host: Instance) -> None:
    fill(small_host)
    done = small_host.wirt("run", "--name", "g", "busybox", "true")
    assert done.code == 125
    assert "space" in done.err and len(done.err.splitlines()) <= 2
    below = mounted_below(str(small_host.state))
    assert below == [str(small_host.state)]
    free(small_host)
    small_host.ok("run", "--rm", "busybox", "true")


def test_end_of_a_guest_is_booked_once_there_is_space(small_host: Instance) -> None:
    small_host.ok("run", "-d", "-i", "--name", "g", "busybox", "sh", "-c", "echo full; sleep 1; exit 7")
    fill(small_host)
    deadline = time.monotonic() + PATIENCE
    while Path(f"/proc/{small_host.ok('inspect', '-f', '{{.State.Pid}}', 'g')}/root").exists():
        assert time.monotonic() < deadline
        if small_host.ok("inspect", "-f", "{{.State.Pid}}", "g") == "0":
            break
    free(small_host)
    assert small_host.ok("wait", "g") == "7"
    assert small_host.ok("inspect", "-f", "{{.State.Status}}", "g") == "exited"
