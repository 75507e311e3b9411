"""Images go out to other tools and come back: skopeo, docker, GNU tar, overlayfs itself."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from framework.archives import ImageRecipe, docker_archive, file, folder, hard_link, oci_archive, symlink, tar
from wirt.host import mount
from wirt.host.trees import remove_tree
from wirt.image import ImageStore
from wirt.model.image import ImageConfig

pytestmark = pytest.mark.root

_CAPABILITY = "0100000200040000000000000000000000000000"  # cap_net_bind_service=ep
LOWER = tar(
    folder("bin"), file("bin/tool", b"#!/bin/sh\n", mode=0o4755),
    hard_link("bin/same", "bin/tool"), symlink("sh", "bin/tool"),
    folder("data"), file("data/one", b"1st"), file("data/two", b"2nd"),
    folder("cache"), file("cache/stale", b"stale"),
    ("null", b"3", {"devmajor": 1, "devminor": 3, "mode": 0o666}),
    file("able", pax_headers={"SCHILY.xattr.user.note": "hello"}, uid=1234, gid=5678, mtime=1_600_000_000),
).getvalue()  # fmt: skip
UPPER = tar(
    folder("data"), file("data/.wh.one", b""), file("data/three", b"3rd"),
    folder("cache"), file("cache/.wh..wh..opq", b""), file("cache/fresh", b"fresh"),
).getvalue()  # fmt: skip
APP = ImageRecipe([LOWER, UPPER], ["docker.io/library/exchange:1"], {"Cmd": ["/bin/tool"], "Env": ["A=b"]})


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images", tmp_path / "layers")


@pytest.fixture
def mounts(tmp_path: Path) -> Iterator[ExitStack]:
    """Overlays made by a test, gone after it."""
    with ExitStack() as stack:
        stack.callback(lambda: [mount.unmount(point, lazy=True) for point in mount.mounted_below(str(tmp_path))])
        yield stack


def merged(store: ImageStore, image_id: str, place: Path) -> Path:
    """The image's root as a guest sees it; what the guest writes goes to ``place``/upper."""
    for name in ("upper", "work", "merged"):
        (place / name).mkdir(parents=True)
    lower = ":".join(map(str, store.rootfs(image_id)))
    options = f"lowerdir={lower},upperdir={place}/upper,workdir={place}/work,redirect_dir=nofollow,metacopy=off"
    mount.mount("overlay", str(place / "merged"), "overlay", 0, options)
    return place / "merged"


def listing(root: Path) -> dict[str, tuple[object, ...]]:
    """What matters of every file in a tree."""
    found = {}
    for path in sorted(root.rglob("*")):
        info = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(info.st_mode) else path.readlink() if path.is_symlink() else None
        attributes = {
            name: os.getxattr(path, name, follow_symlinks=False) for name in os.listxattr(path, follow_symlinks=False)
        }
        times = info.st_mtime_ns if stat.S_ISREG(info.st_mode) else 0  # folders change when they are mounted
        found[str(path.relative_to(root))] = (
            info.st_mode,
            info.st_uid,
            info.st_gid,
            info.st_rdev,
            times,
            content,
            attributes,
        )
    return found


def run(*command: object, **options: object) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


# -- overlayfs ------------------------------------------------------------------------------------------------------


def test_layers_stack_as_the_specification_says(store: ImageStore, tmp_path: Path, mounts: ExitStack) -> None:
    store.load(io.BytesIO(docker_archive(APP)))
    root = merged(store, APP.id, tmp_path / "guest")
    files = sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())
    assert files == ["able", "bin/same", "bin/tool", "cache/fresh", "data/three", "data/two", "null", "sh"]
    assert (root / "bin/tool").stat().st_ino == (root / "bin/same").stat().st_ino
    assert (root / "bin/tool").stat().st_mode & 0o7777 == 0o4755
    assert os.getxattr(root / "able", "user.note") == b"hello"
    info = (root / "able").stat()
    assert (info.st_uid, info.st_gid, info.st_mtime) == (1234, 5678, 1_600_000_000)
    assert (root / "null").stat().st_rdev == os.makedev(1, 3)


def test_what_a_guest_changes_survives_commit_save_and_load(
    store: ImageStore, tmp_path: Path, mounts: ExitStack
) -> None:
    store.load(io.BytesIO(docker_archive(APP)))
    root = merged(store, APP.id, tmp_path / "guest")
    (root / "bin/same").unlink()
    (root / "data/two").write_text("changed")
    shutil.rmtree(root / "cache")
    (root / "cache").mkdir()
    (root / "cache/anew").touch()
    os.link(root / "data/three", root / "data/four")
    os.mkfifo(root / "pipe")
    os.setxattr(root / "data/three", "security.capability", bytes.fromhex(_CAPABILITY))
    (root / "bin").rename(root / "moved") if _renames(root) else None
    expected = listing(root)
    image_id = store.commit(APP.id, tmp_path / "guest/upper", ImageConfig(command=("x",)), name="exchange:2")
    assert listing(merged(store, image_id, tmp_path / "committed")) == expected
    for form in ("docker", "oci"):
        with open(tmp_path / f"{form}.tar", "wb") as out:
            store.save(["exchange:2"], form, out)
        other = ImageStore(tmp_path / form / "images", tmp_path / form / "layers")
        with open(tmp_path / f"{form}.tar", "rb") as archive:
            assert other.load(archive)[0].id == image_id
        assert listing(merged(other, image_id, tmp_path / f"{form}-guest")) == expected


def _renames(root: Path) -> bool:
    """Whether overlayfs renames folders of lower layers here (it must not, where redirects are off)."""
    try:
        (root / "data").rename(root / "data2")
    except OSError:
        return False
    (root / "data2").rename(root / "data")
    return True


# -- skopeo ---------------------------------------------------------------------------------------------------------

needs_skopeo = pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is missing")


def skopeo_copy(source: str, target: str) -> None:
    run("skopeo", "copy", "--insecure-policy", "--quiet", source, target)


def skopeo_facts(place: str) -> tuple[list[str], list[str]]:
    """(Diff ids, command) of an image as skopeo sees it."""
    config = json.loads(run("skopeo", "inspect", "--config", place))
    return config["rootfs"]["diff_ids"], config["config"]["Cmd"]


@needs_skopeo
def test_skopeo_reads_the_store_itself_as_a_layout(store: ImageStore, tmp_path: Path) -> None:
    store.load(io.BytesIO(docker_archive(APP)))
    name = APP.names[0]
    facts = (list(store.view(name).layers), ["/bin/tool"])
    assert skopeo_facts(f"oci:{tmp_path}/images:{name}") == facts
    skopeo_copy(f"oci:{tmp_path}/images:{name}", f"dir:{tmp_path}/dir")
    assert (tmp_path / "dir/manifest.json").exists()


@needs_skopeo
def test_skopeo_writes_into_the_store_and_it_is_noticed(store: ImageStore, tmp_path: Path, mounts: ExitStack) -> None:
    (tmp_path / "in.tar").write_bytes(docker_archive(APP))
    assert store.list() == []
    skopeo_copy(f"docker-archive:{tmp_path}/in.tar", f"oci:{tmp_path}/images:pushed:7")
    assert [image.names for image in store.list()] == [("docker.io/library/pushed:7",)]
    assert (merged(store, store.resolve("pushed:7"), tmp_path / "guest") / "data/three").read_bytes() == b"3rd"
    store.remove("pushed:7")
    assert list((tmp_path / "images/blobs/sha256").iterdir()) == []


@needs_skopeo
@pytest.mark.parametrize(("form", "transport"), [("docker", "docker-archive"), ("oci", "oci-archive")])
def test_skopeo_takes_what_save_writes(store: ImageStore, tmp_path: Path, form: str, transport: str) -> None:
    store.load(io.BytesIO(docker_archive(APP)))
    with open(tmp_path / "out.tar", "wb") as out:
        store.save([APP.names[0]], form, out)
    facts = (list(store.view(APP.id).layers), ["/bin/tool"])
    assert skopeo_facts(f"{transport}:{tmp_path}/out.tar") == facts
    for target in (f"docker-archive:{tmp_path}/again.tar:x:1", f"oci-archive:{tmp_path}/again.oci:x:1"):
        skopeo_copy(f"{transport}:{tmp_path}/out.tar", target)
        assert skopeo_facts(target) == facts
    if form == "docker":
        assert skopeo_facts(f"docker-archive:{tmp_path}/out.tar:exchange:1") == facts
    else:
        assert skopeo_facts(f"oci-archive:{tmp_path}/out.tar:{APP.names[0]}") == facts


@needs_skopeo
@pytest.mark.parametrize("target", ["docker-archive", "oci-archive"])
@pytest.mark.parametrize("source", ["docker-archive", "oci-archive"])
def test_load_takes_what_skopeo_writes(store: ImageStore, tmp_path: Path, source: str, target: str) -> None:
    archive = docker_archive(APP) if source == "docker-archive" else oci_archive(APP)
    (tmp_path / "in.tar").write_bytes(archive)
    skopeo_copy(f"{source}:{tmp_path}/in.tar", f"{target}:{tmp_path}/out.tar:from:skopeo")
    with open(tmp_path / "out.tar", "rb") as stream:
        loaded = store.load(stream)
    assert [image.names for image in loaded] == [("docker.io/library/from:skopeo",)]
    assert list(store.view("from:skopeo").layers) == list(skopeo_facts(f"{source}:{tmp_path}/in.tar")[0])
    assert store.config(loaded[0].id).command == ("/bin/tool",)


# -- docker ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def docker() -> Iterator[list[str]]:
    """The command that talks to a Docker of our own, which touches no network of the host."""
    if shutil.which("dockerd") is None or shutil.which("docker") is None:
        pytest.skip("dockerd is missing (Debian package docker.io)")
    place = Path(tempfile.mkdtemp(prefix="wd", dir="/tmp"))  # short: containerd puts sockets deep into it
    command = ["docker", "--host", f"unix://{place}/s"]
    folders = [f"--{name}={place / name}" for name in ("data-root", "exec-root", "pidfile")]
    quiet = ["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"]
    with open(place / "log", "wb") as log:
        daemon = subprocess.Popen(["dockerd", *command[1:], *folders, *quiet], stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 30
        while subprocess.run([*command, "version"], capture_output=True, check=False).returncode:
            if daemon.poll() is not None or time.monotonic() > deadline:
                pytest.skip(f"dockerd does not start here: {(place / 'log').read_text()[-300:]}")
        yield command
    finally:
        daemon.terminate()
        daemon.wait(30)
        for point in mount.mounted_below(str(place)):
            mount.unmount(point, lazy=True)
        remove_tree(place)


def test_docker_loads_what_save_writes_and_load_takes_what_docker_saves(
    docker: list[str], store: ImageStore, tmp_path: Path
) -> None:
    store.load(io.BytesIO(docker_archive(APP)))
    with open(tmp_path / "ours.tar", "wb") as out:
        store.save([APP.names[0]], "docker", out)
    assert "Loaded image: exchange:1" in run(*docker, "load", "-i", tmp_path / "ours.tar")
    assert run(*docker, "image", "inspect", "-f", "{{.Id}}", "exchange:1").strip() == APP.id
    run(*docker, "tag", "exchange:1", "theirs:2")
    run(*docker, "save", "-o", tmp_path / "theirs.tar", "theirs:2")
    other = ImageStore(tmp_path / "other/images", tmp_path / "other/layers")
    with open(tmp_path / "theirs.tar", "rb") as stream:
        loaded = other.load(stream)
    assert [(image.id, image.names) for image in loaded] == [(APP.id, ("docker.io/library/theirs:2",))]
    for ours, theirs in zip(store.rootfs(APP.id), other.rootfs(APP.id), strict=True):
        assert listing(ours) == listing(theirs)
