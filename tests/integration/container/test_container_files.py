"""Mounts, devices and limits of a guest's programs."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.containers import ContainerHost
from wirt.host.mount import mount, unmount
from wirt.model.guest import Device, MountPoint, MountType, Ulimit

pytestmark = pytest.mark.root


def bind(source: Path | str, place: str, **members: object) -> dict[str, object]:
    return {"mounts": (MountPoint(MountType.BIND, str(source), place, **members),)}  # type: ignore[arg-type]


def tmpfs(place: str, *options: str) -> dict[str, object]:
    return {"mounts": (MountPoint(MountType.TMPFS, "", place, options=options),)}


def test_a_folder_of_the_host_is_shared(host: ContainerHost, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("there")
    out = host.ok("sh", "-c", "cat /data/there; echo new > /data/new", launch=bind(tmp_path, "/data"))
    assert out == "there"
    assert (tmp_path / "new").read_text() == "new\n"


def test_a_file_of_the_host_is_shared(host: ContainerHost, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("127.0.0.1 here\n")
    assert host.ok("cat", "/etc/hosts", launch=bind(tmp_path / "hosts", "/etc/hosts")) == "127.0.0.1 here"


def test_a_file_of_the_host_can_be_read_only(host: ContainerHost, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("kept\n")
    launch = bind(tmp_path / "one", "/one", read_only=True)
    assert host.ok("sh", "-c", "cat /one; echo x 2>/dev/null >/one || echo no", launch=launch) == "kept\nno"


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A folder with another file system mounted in it."""
    below = tmp_path / "below"
    below.mkdir()
    mount("tmpfs", str(below), "tmpfs")
    yield tmp_path
    unmount(str(below))


def test_read_only_is_read_only_all_the_way_down(host: ContainerHost, deep: Path) -> None:
    script = "touch /data/x || touch /data/below/x || echo neither"
    status, out, err = host.run("sh", "-c", script, launch=bind(deep, "/data", read_only=True))
    assert (status, out) == (0, "neither\n")
    assert err.count("Read-only file system") == 2


def test_a_file_over_a_folder_is_told(host: ContainerHost, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with host.started("true", launch=bind(tmp_path / "file", "/etc")) as (_, program):
        error = host.runtime.explain(program.complaint, "true")
        assert error.exit_code == 125
        assert "\n" not in str(error)
        assert error.hint


def test_tmpfs_is_as_asked(host: ContainerHost) -> None:
    line = host.ok("grep", " /scratch ", "/proc/mounts", launch=tmpfs("/scratch", "size=1m", "mode=700", "exec"))
    options = line.split()[3].split(",")
    assert {"rw", "nosuid", "nodev", "size=1024k", "mode=700"} <= set(options)
    assert "noexec" not in options


def test_shared_memory_is_as_large_as_asked(host: ContainerHost) -> None:
    assert "size=65536k" in host.ok("grep", " /dev/shm ", "/proc/mounts")
    assert "size=1024k" in host.ok("grep", " /dev/shm ", "/proc/mounts", shm_size=1 << 20)


def test_default_devices_work_and_others_may_not_be_made(host: ContainerHost) -> None:
    assert (
        host.ok("sh", "-c", "head -c 4 /dev/zero | wc -c; echo x > /dev/null; head -c 2 /dev/urandom | wc -c") == "4\n2"
    )
    # mknod is allowed, use is not: 7 0 is a loop device.
    status, _, err = host.run("sh", "-c", "mknod /tmp/loop b 7 0 && head -c 1 /tmp/loop")
    assert status != 0
    assert "not permitted" in err


def test_a_device_comes_with_its_permissions(host: ContainerHost) -> None:
    read_only = Device("/dev/full", "/dev/mine", "r")
    assert host.ok("sh", "-c", "head -c 3 /dev/mine | wc -c", devices=(read_only,)) == "3"
    tun = Device("/dev/net/tun", "/dev/net/tun", "rwm")
    if Path(tun.host_path).exists():
        assert host.ok("sh", "-c", "[ -c /dev/net/tun ] && echo there", devices=(tun,)) == "there"


def test_privileged_sees_the_hosts_devices(host: ContainerHost) -> None:
    names = {path.name for path in Path("/dev").glob("loop[0-9]")} or {"kmsg"}
    assert names <= set(host.ok("ls", "/dev", privileged=True).split())


def test_ulimits_are_set(host: ContainerHost) -> None:
    out = host.ok(
        "sh", "-c", "ulimit -Sn; ulimit -Hn; ulimit -c", ulimits=(Ulimit("nofile", 100, 200), Ulimit("core", 0, 0))
    )
    assert out.split() == ["100", "200", "0"]


def test_ulimits_beyond_the_hosts_are_lowered(host: ContainerHost) -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    asked = Ulimit("nofile", most * 2, most * 2)
    given = int(host.ok("sh", "-c", "ulimit -Hn", ulimits=(asked,)))
    assert given in (most, most * 2)
    warned = bool(host.runtime.check(host.launch("true", ulimits=(asked,)).guest.spec))
    assert warned == (given == most)
