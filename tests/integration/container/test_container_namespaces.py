"""What a guest shares with the host or with others, and what it has of its own."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.containers import ContainerHost

pytestmark = pytest.mark.root


@pytest.fixture
def netns() -> Iterator[str]:
    """A network namespace of nobody's, for as long as the test runs."""
    with subprocess.Popen(["unshare", "--net", "sh", "-c", "echo ready; exec cat"], stdin=-1, stdout=-1) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        yield f"/proc/{holder.pid}/ns/net"
        holder.communicate()


def link(path: str) -> str:
    return str(Path(path).readlink())


def test_a_guest_has_its_own_by_default(host: ContainerHost, netns: str) -> None:
    out = host.ok(
        "sh", "-c", "for n in net uts ipc pid mnt; do readlink /proc/self/ns/$n; done", launch={"netns": netns}
    )
    mine = [link(f"/proc/self/ns/{name}") for name in ("net", "uts", "ipc", "pid", "mnt")]
    assert not set(out.split()) & set(mine)
    assert out.split()[0] == link(netns)


def test_a_network_of_its_own_is_for_anybody(host: ContainerHost, netns: str) -> None:
    names = "/proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range"
    out = host.ok("sh", "-c", f"cat {names}", launch={"netns": netns})
    assert out.split() == ["0", "0", "2147483647"]


def test_settings_of_a_namespace_are_the_guests_own(host: ContainerHost, netns: str) -> None:
    asked = {"net.core.somaxconn": "99", "kernel.msgmax": "4096", "fs.mqueue.msg_max": "7"}
    paths = " ".join(f"/proc/sys/{name.replace('.', '/')}" for name in asked)
    assert host.ok("sh", "-c", f"cat {paths}", sysctls=asked, launch={"netns": netns}).split() == ["99", "4096", "7"]
    assert Path("/proc/sys/kernel/msgmax").read_text().strip() != "4096"


def test_the_hosts_namespaces_can_be_shared(host: ContainerHost) -> None:
    script = "for n in net uts ipc pid; do readlink /proc/self/ns/$n; done; hostname"
    shared = {"pid_ns": "host", "ipc_ns": "host", "uts_ns": "host"}
    *links, name = host.ok("sh", "-c", script, launch=shared, network="host").split()
    assert links == [link(f"/proc/self/ns/{kind}") for kind in ("net", "uts", "ipc", "pid")]
    assert name == socket.gethostname()


def test_shared_memory_of_the_hosts_ipc_is_the_hosts(host: ContainerHost, watch_file: Path) -> None:
    assert host.ok("cat", f"/dev/shm/{watch_file.name}", launch={"ipc_ns": "host"}) == "seen"


@pytest.fixture
def watch_file() -> Iterator[Path]:
    file = Path("/dev/shm/wirt-test-shared")
    file.write_text("seen")
    yield file
    file.unlink()


def test_anothers_namespaces_can_be_joined(host: ContainerHost) -> None:
    with host.started("cat", hostname="first") as (first, _):
        joined = {
            name: f"/proc/{first.pid}/ns/{kind}"
            for name, kind in (("pid_ns", "pid"), ("uts_ns", "uts"), ("ipc_ns", "ipc"))
        }
        out = host.ok("sh", "-c", "hostname; cat /proc/1/cmdline; readlink /proc/self/ns/ipc", launch=joined)
        assert out.split() == ["first", f"cat\0{link(f'/proc/{first.pid}/ns/ipc')}"]


def test_a_guest_in_anothers_processes_ends_alone(host: ContainerHost) -> None:
    with (
        host.started("cat") as (first, program),
        host.started("cat", launch={"pid_ns": f"/proc/{first.pid}/ns/pid"}) as (second, other),
    ):
        assert set(host.runtime.pids(first.id)) & set(host.runtime.pids(second.id)) == set()
        host.runtime.delete(second.id, force=True)
        assert other.wait() == 137
        assert host.runtime.pids(first.id) == [program.pid]


def test_v2_guests_see_their_own_cgroup_as_the_root(host: ContainerHost) -> None:
    out = host.ok("cat", "/proc/self/cgroup")
    if out.startswith("0::") and "\n" not in out:
        assert out == "0::/"
    else:
        assert host.parent in out
