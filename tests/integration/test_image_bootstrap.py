"""Base images from Debian's packages: what is in them, what is asked of the host, and what an interruption leaves."""

from __future__ import annotations

import os
import select
import shutil
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from wirt.errors import InvalidInput, NotFound, Unavailable
from wirt.host import mount
from wirt.image import ImageStore, apt
from wirt.image.bootstrap import bootstrap, sweep
from wirt.model.image import Progress
from wirt.model.wire import BootstrapRequest

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt-get is missing: no Debian host"),
]
needs_mmdebstrap = pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is missing")


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images", tmp_path / "layers")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packages are fetched once for all tests of this file."""
    return tmp_path_factory.mktemp("cache")


def in_chroot(root: Path, *command: str) -> str:
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    inside = ["/usr/sbin/chroot", root, *command]
    done = subprocess.run(inside, capture_output=True, text=True, check=True, env=environment)
    return done.stdout


def processes_of(folder: Path) -> dict[int, str]:
    """Pid -> command line of each process that names the folder there or in its environment."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (place / "cmdline").read_bytes()
            named = str(folder).encode() in command + (place / "environ").read_bytes()
            if named and int(place.name) != os.getpid():
                found[int(place.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found


def test_busybox_is_a_whole_small_system(store: ImageStore, cache: Path) -> None:
    image_id = bootstrap(BootstrapRequest("busybox"), store, cache)
    assert store.names(image_id) == ("docker.io/library/busybox:latest",)
    assert store.view(image_id).size < 4_000_000
    config = store.config(image_id)
    assert config.command == ("sh",)
    assert config.env[0].startswith("PATH=/usr/local/sbin:")
    (root,) = store.rootfs(image_id)
    assert in_chroot(root, "/bin/sh", "-c", "echo a b | awk '{print $2}'; whoami; ls -d /tmp").split() == [
        "b",
        "root",
        "/tmp",
    ]
    assert stat.S_IMODE((root / "tmp").stat().st_mode) == 0o1777
    assert stat.S_IMODE((root / "root").stat().st_mode) == 0o700
    assert {path.name for path in root.iterdir()} >= {"bin", "dev", "etc", "proc", "sys", "usr", "var"}


def test_busybox_comes_out_the_same_every_time(store: ImageStore, cache: Path) -> None:
    first = bootstrap(BootstrapRequest("busybox"), store, cache)
    store.prune(all_=True)
    assert bootstrap(BootstrapRequest("busybox", name="mine:1"), store, cache) == first
    assert store.names(first) == ("docker.io/library/mine:1",)


def test_busybox_needs_no_network_the_second_time(
    store: ImageStore, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bootstrap(BootstrapRequest("busybox"), store, cache)
    (tmp_path / "apt.conf").write_text(
        'Acquire::http::Proxy "http://127.0.0.1:9";\nAcquire::Retries "0";\nDir::State::Lists "/nowhere";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    bootstrap(BootstrapRequest("busybox"), store, cache)


def test_busybox_needs_no_lists_of_the_hosts(
    store: ImageStore, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "lists/partial").mkdir(parents=True)
    (tmp_path / "apt.conf").write_text(f'Dir::State::Lists "{tmp_path}/lists";\n')
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    bootstrap(BootstrapRequest("busybox"), store, tmp_path / "cache")


@needs_mmdebstrap
@pytest.mark.timeout(300)
def test_debian_is_a_whole_system_with_the_packages_asked_for(store: ImageStore, cache: Path) -> None:
    told: list[Progress] = []
    suite = apt.host_codename() or "stable"
    request = BootstrapRequest(f"debian:{suite}", packages=("tini",), name="mine")
    image_id = bootstrap(request, store, cache, told.append)
    (root,) = store.rootfs(image_id)
    assert in_chroot(root, "/usr/bin/tini", "-s", "--", "/bin/bash", "-c", "echo $((6 * 7))") == "42\n"
    assert in_chroot(root, "/usr/bin/dpkg", "-s", "tini").startswith("Package: tini\nStatus: install ok installed")
    assert store.config(image_id).command == ("bash",)
    steps = [progress for progress in told if progress.task == "bootstrap"]
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert len({step.text for step in steps}) > 4
    for left in ("etc/resolv.conf", "etc/hostname", "etc/apt/apt.conf.d/99host", "etc/apt/apt.conf.d/99mmdebstrap"):
        assert not (root / left).exists(), "the host's own"
    assert not list((root / "var/cache/apt/archives").glob("*.deb"))
    assert list(cache.glob("bootstrap/*/archives/tini_*.deb"))
    assert bootstrap(request, store, cache) == image_id, "the same packages again: known without making it"
    assert not list((cache / "bootstrap").glob("work-*"))


@needs_mmdebstrap
def test_debian_without_such_a_package_or_release_says_so(store: ImageStore, cache: Path) -> None:
    suite = apt.host_codename() or "stable"
    with pytest.raises(NotFound, match="no package wirt-none-such"):
        bootstrap(BootstrapRequest(f"debian:{suite}", packages=("wirt-none-such",), name="x"), store, cache)
    with pytest.raises(InvalidInput, match="no such release"):
        bootstrap(BootstrapRequest("debian:nonesuch"), store, cache)
    assert store.list() == []
    assert not list((cache / "bootstrap").glob("work-*"))


@needs_mmdebstrap
def test_debian_without_a_mirror_in_reach_says_so(store: ImageStore, tmp_path: Path) -> None:
    request = BootstrapRequest("debian:bookworm", mirror="http://127.0.0.1:9/debian")
    with pytest.raises(
        Unavailable, match=r"Could not connect to 127\.0\.0\.1:9|Unable to connect to 127\.0\.0\.1:9"
    ) as caught:
        bootstrap(request, store, tmp_path / "cache")
    assert "proxy" in caught.value.hint


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (BootstrapRequest("alpine"), "no recipe 'alpine'"),
        (BootstrapRequest("busybox:1.36"), "no recipe"),
        (BootstrapRequest("busybox", packages=("vim",)), "no packages to choose"),
        (BootstrapRequest("debian:--help"), "is no Debian release"),
        (BootstrapRequest("debian:bookworm", packages=("curl",)), "needs a name of its own"),
        (BootstrapRequest("debian:bookworm", packages=("/etc/passwd",), name="x"), "is no package name"),
        (BootstrapRequest("debian:bookworm", packages=("a,b",), name="x"), "is no package name"),
        (BootstrapRequest("debian:bookworm", mirror="ftp://x"), "is no mirror"),
        (BootstrapRequest("debian:bookworm", mirror="http://x [trusted=yes]"), "is no mirror"),
        (BootstrapRequest("debian:bookworm", name="No Name"), "is no image name"),
    ],
)
def test_requests_that_make_no_sense_are_refused_at_once(
    store: ImageStore, tmp_path: Path, request_: BootstrapRequest, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        bootstrap(request_, store, tmp_path / "cache")


def test_missing_mmdebstrap_is_named_with_its_package(
    store: ImageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="mmdebstrap is missing") as caught:
        bootstrap(BootstrapRequest("debian:bookworm"), store, tmp_path / "cache")
    assert caught.value.hint == "apt-get install mmdebstrap"


@needs_mmdebstrap
def test_whoever_stops_listening_stops_the_bootstrap(store: ImageStore, cache: Path) -> None:
    class GoneError(Exception):
        pass

    def leave(progress: Progress) -> None:
        if progress.done >= 2:
            raise GoneError

    with pytest.raises(GoneError):
        bootstrap(BootstrapRequest(f"debian:{apt.host_codename() or 'stable'}"), store, cache, leave)
    assert not processes_of(cache)
    assert mount.mounted_below(str(cache)) == []
    assert not list((cache / "bootstrap").glob("work-*"))
    assert store.list() == []


BOOTSTRAPPER = """
import sys
from contextlib import suppress
from pathlib import Path
from wirt.image import ImageStore
from wirt.image.bootstrap import bootstrap
from wirt.model.wire import BootstrapRequest

state = Path(sys.argv[1])
store = ImageStore(state / "images", state / "layers")
request = BootstrapRequest(sys.argv[3])
bootstrap(request, store, Path(sys.argv[2]), lambda progress: print(progress.done, flush=True))
"""


@needs_mmdebstrap
def test_a_killed_bootstrap_takes_everything_with_it(store: ImageStore, cache: Path, tmp_path: Path) -> None:
    recipe = f"debian:{apt.host_codename() or 'stable'}"
    command = [sys.executable, "-c", BOOTSTRAPPER, str(tmp_path), str(cache), recipe]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "2":
                break
        children = processes_of(cache)
        assert any("mmdebstrap" in line for line in children.values())
        process.send_signal(signal.SIGKILL)
    for pid in children:
        _wait_for_end_of(pid)
    assert not processes_of(cache)
    assert mount.mounted_below(str(cache)) == []
    sweep(cache)
    assert not list((cache / "bootstrap").glob("work-*"))
    store.recover()
    assert not list((tmp_path / "layers").iterdir())


def _wait_for_end_of(pid: int) -> None:
    with suppress(ProcessLookupError), open(os.pidfd_open(pid)) as end:
        poll = select.poll()
        poll.register(end, select.POLLIN)
        assert poll.poll(10_000), f"process {pid} does not end"
