"""The image store: archives come in and go out, names move, layers are shared, damage is noticed and mended."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.archives import PACKERS, ImageRecipe, digest_of, docker_archive, file, folder, oci_archive, symlink, tar
from wirt.errors import Conflict, CorruptData, ImageNotFound, InvalidInput, WirtError
from wirt.image import ImageStore
from wirt.model.guest import HealthCheck
from wirt.model.image import ImageConfig, ImageDeletion, Progress

pytestmark = pytest.mark.root

BASE = tar(folder("etc"), file("etc/os", b"base"), file("etc/old", b"old"), folder("d"), file("d/x")).getvalue()
NEXT = tar(folder("etc"), file("etc/os", b"next"), file("etc/.wh.old", b""), file("d/.wh..wh..opq", b"")).getvalue()
OTHER = tar(file("other", os.urandom(300_000))).getvalue()

APP = ImageRecipe([BASE, NEXT], ["app:1"], {"Cmd": ["run"], "Env": ["A=b"], "Labels": {"k": "v"}})
TOOL = ImageRecipe([BASE, OTHER], ["example.org/tool:2"], created="2025-01-01T00:00:00Z")


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images", tmp_path / "layers")


@pytest.fixture(autouse=True)
def _nothing_half_made(tmp_path: Path) -> Iterator[None]:
    """Whatever a test does: no file aside, no thread, no blob and no layer that no image needs."""
    yield
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"read-ahead", "write-behind", "mmdebstrap"}
    if (tmp_path / "images").exists():
        before = contents(tmp_path)
        ImageStore(tmp_path / "images", tmp_path / "layers").recover()
        assert contents(tmp_path) == before


def contents(state: Path) -> list[str]:
    return sorted(str(path.relative_to(state)) for path in [*state.glob("images/**/*"), *state.glob("layers/*/*")])


def load(store: ImageStore, *images: ImageRecipe) -> None:
    store.load(io.BytesIO(docker_archive(*images)))


def read(store: ImageStore, image: str, name: str) -> bytes:
    """A file as the topmost layer that has it shows it."""
    return next(tree / name for tree in store.rootfs(store.resolve(image)) if (tree / name).exists()).read_bytes()


# -- load -----------------------------------------------------------------------------------------------------------


def test_load_makes_an_image_that_guests_can_use(store: ImageStore) -> None:
    loaded = store.load(io.BytesIO(docker_archive(APP)))
    assert [(image.id, image.names) for image in loaded] == [(APP.id, ("docker.io/library/app:1",))]
    assert store.resolve("app:1") == APP.id
    assert store.config(APP.id) == ImageConfig(command=("run",), env=("A=b",), labels={"k": "v"})
    top, bottom = store.rootfs(APP.id)
    assert (top / "etc/os").read_bytes() == b"next"
    assert (bottom / "etc/old").read_bytes() == b"old"
    view = store.view("app:1")
    assert view.layers == (digest_of(BASE), digest_of(NEXT))
    assert view.created == pytest.approx(1714564800.123456)
    assert (view.size, view.architecture) == (4 + 3 + 8 + 4, "amd64")
    assert [(step.created_by, step.size) for step in store.history("app:1")] == [
        ("layer 1", 4),
        ("layer 0", 15),
        ("nothing", 0),
    ]


@pytest.mark.parametrize("layers", PACKERS)
@pytest.mark.parametrize("whole", PACKERS)
def test_load_reads_docker_archives_of_any_compression(store: ImageStore, whole: str, layers: str) -> None:
    store.load(io.BytesIO(PACKERS[whole](docker_archive(APP, packed=layers))))
    assert store.resolve("app:1") == APP.id
    assert read(store, "app:1", "etc/os") == b"next"


@pytest.mark.parametrize("layers", ["plain", "gzip", "zstd"])
def test_load_reads_oci_archives_and_keeps_their_digests(store: ImageStore, layers: str) -> None:
    archive = oci_archive(APP, TOOL, packed=layers)
    loaded = store.load(io.BytesIO(archive))
    assert [image.names for image in loaded] == [("docker.io/library/app:1",), ("example.org/tool:2",)]
    digest = store.view("app:1").digest
    assert digest.encode() in archive
    assert store.resolve(digest) == store.resolve(f"app@{digest}") == APP.id


def test_load_twice_changes_nothing(store: ImageStore, tmp_path: Path) -> None:
    for archive in (docker_archive(APP), oci_archive(APP)):
        store.load(io.BytesIO(archive))
    before = contents(tmp_path)
    for archive in (docker_archive(APP), oci_archive(APP)):
        store.load(io.BytesIO(archive))
    assert contents(tmp_path) == before
    assert len(store.list()) == 1


def test_load_unpacks_a_layer_once_for_all_images(store: ImageStore, tmp_path: Path) -> None:
    load(store, APP, TOOL)
    assert len(list((tmp_path / "layers").iterdir())) == 3
    assert store.rootfs(APP.id)[1] == store.rootfs(TOOL.id)[1]


def test_load_takes_the_same_layer_twice_in_one_image(store: ImageStore) -> None:
    twice = ImageRecipe([BASE, NEXT, BASE], ["twice"])
    for archive in (docker_archive(twice, packed="gzip"), oci_archive(twice)):
        store.load(io.BytesIO(archive))
    assert len(set(store.rootfs(twice.id))) == 3


def test_load_chooses_this_hosts_platform(store: ImageStore) -> None:
    host = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    foreign = ImageRecipe([OTHER], ["multi"], architecture="s390x")
    native = ImageRecipe([BASE], ["multi"], architecture=host)
    store.load(io.BytesIO(oci_archive(foreign, native, nested=True)))
    assert store.resolve("multi") == native.id
    with pytest.raises(InvalidInput, match=r"multi:latest is for linux/s390x, and this host is linux/"):
        store.load(io.BytesIO(oci_archive(foreign, nested=True)))


def test_load_takes_containerds_name_before_a_bare_tag(store: ImageStore) -> None:
    named = ImageRecipe([BASE], ["docker.io/library/app:7"])
    store.load(io.BytesIO(oci_archive(named, annotation="io.containerd.image.name")))
    assert store.names(named.id) == ("docker.io/library/app:7",)


def test_load_takes_images_without_names(store: ImageStore) -> None:
    nameless = ImageRecipe([BASE])
    for archive in (docker_archive(nameless), oci_archive(nameless)):
        assert store.load(io.BytesIO(archive))[0].names == ()
    assert store.resolve(nameless.id[7:15]) == nameless.id


def test_load_tells_its_progress(store: ImageStore) -> None:
    told: list[Progress] = []
    big = ImageRecipe([tar(file("big", os.urandom(5_000_000))).getvalue()])
    archive = docker_archive(big)
    store.load(io.BytesIO(archive), told.append, total=len(archive))
    tasks = list(dict.fromkeys(progress.task for progress in told))
    assert tasks == ["archive", digest_of(big.layers[0])[7:19]]
    for task in tasks:
        steps = [progress for progress in told if progress.task == task]
        assert [step.done for step in steps] == sorted(step.done for step in steps)
        assert steps[-1].done <= steps[-1].total
        assert steps[-1].total >= 5_000_000


def _without(archive: bytes, name: str) -> bytes:
    """The archive without one member."""
    listed = subprocess.run(["tar", "--delete", "-f", "-", name], input=archive, capture_output=True, check=True)
    return listed.stdout


def _with_config(**changes: object) -> bytes:
    document = json.loads(APP.document) | changes
    raw = json.dumps(document).encode()
    manifest = [{"Config": "c.json", "RepoTags": ["bad:1"], "Layers": ["l.tar"]}]
    return tar(
        file("c.json", raw), file("l.tar", BASE), file("manifest.json", json.dumps(manifest).encode())
    ).getvalue()


HOSTILE = tar(folder("d"), symlink("l", "/etc"), file("../escape", b"x")).getvalue()
BAD_ARCHIVES = {
    "nothing": (b"", "empty"),
    "no tar": (b"hello" * 1000, "not a tar archive"),
    "no image": (tar(file("a")).getvalue(), "no image in the archive"),
    "too old": (tar(file("repositories", b"{}")).getvalue(), "older than 1.10"),
    "cut short": (docker_archive(APP)[:5000], "ends in the middle"),
    "gzip cut short": (PACKERS["gzip"](docker_archive(TOOL))[:100_000], "gzip data is damaged"),
    "zstd garbage": (b"\x28\xb5\x2f\xfd" + b"\xff" * 100, "zstd data is damaged"),
    "xz garbage": (b"\xfd7zXZ\0" + bytes(100), "xz data is damaged"),
    "bzip2 garbage": (b"BZh9" + bytes(100), "bzip2 data is damaged"),
    "layer missing": (_without(docker_archive(APP), "01/layer.tar"), "lacks '01/layer.tar'"),
    "configuration missing": (_without(docker_archive(APP), f"{APP.id[7:]}.json"), "lacks"),
    "blob missing": (_without(oci_archive(APP), f"blobs/sha256/{APP.id[7:]}"), "lacks"),
    "manifest no JSON": (tar(file("manifest.json", b"{")).getvalue(), "manifest.json in the archive does not parse"),
    "manifest of nothing": (tar(file("manifest.json", b"[]")).getvalue(), "no image in the archive"),
    "index of nothing": (tar(file("index.json", b'{"manifests": []}')).getvalue(), "no image in the archive"),
    "blob damaged": (oci_archive(APP).replace(b"layer 1", b"layer 7"), "in the archive is damaged"),
    "layer damaged": (docker_archive(APP).replace(b"next", b"nexT"), "is damaged: it unpacks to"),
    "packed layer damaged": (_with_config(rootfs={"diff_ids": [digest_of(NEXT)], "type": "layers"}), "is damaged"),
    "layers miscounted": (_with_config(), "has 1 layers and digests of 2"),
    "digest that is none": (_with_config(rootfs={"diff_ids": ["sha256:../etc"], "type": "layers"}), "does not parse"),
    "bad name": (docker_archive(ImageRecipe([BASE], ["Bad Name"])), "is no image name"),
    "hostile layer": (docker_archive(ImageRecipe([BASE, HOSTILE], ["h"])), "'../escape' points out"),
    "hostile packed layer": (oci_archive(ImageRecipe([BASE, HOSTILE], ["h"])), "'../escape' points out"),
    "layer no tar": (oci_archive(ImageRecipe([b"x" * 1024], ["h"])), "not a tar archive"),
    "huge document": (tar(file("index.json", bytes(9_000_000))).getvalue(), "at most 8388608 make sense"),
    "endless links": (
        tar(symlink("a", "b"), symlink("b", "a"), file("manifest.json", b'[{"Config": "a", "Layers": []}]')).getvalue(),
        "lacks 'a'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("archive", "words"), BAD_ARCHIVES.values(), ids=BAD_ARCHIVES)
def test_load_refuses_bad_archives_and_leaves_nothing(
    store: ImageStore, tmp_path: Path, archive: bytes, words: str
) -> None:
    load(store, APP)
    before = contents(tmp_path)
    store.remove("app:1")
    load(store, TOOL)
    kept = contents(tmp_path)
    with pytest.raises((InvalidInput, CorruptData), match=words) as caught:
        store.load(io.BytesIO(archive))
    assert str(caught.value).isprintable()
    assert contents(tmp_path) == kept
    store.remove("example.org/tool:2")
    load(store, APP)
    assert contents(tmp_path) == before


def test_load_stops_when_whoever_listens_does(store: ImageStore, tmp_path: Path) -> None:
    class GoneError(Exception):
        pass

    def leave(progress: Progress) -> None:
        if progress.task != "archive":
            raise GoneError

    big = ImageRecipe([tar(file("big", os.urandom(3_000_000))).getvalue()], ["big"])
    before = contents(tmp_path)
    with pytest.raises(GoneError):
        store.load(io.BytesIO(docker_archive(big)), leave)
    assert contents(tmp_path) == before


def test_threads_that_load_and_remove_do_not_disturb_each_other(store: ImageStore, tmp_path: Path) -> None:
    archive, errors = docker_archive(APP, TOOL), []
    until = time.monotonic() + 3

    def work(remove: str) -> None:
        try:
            while time.monotonic() < until:
                store.load(io.BytesIO(archive))
                assert read(store, APP.id, "etc/os") == b"next"
                store.remove(remove, force=True)
        except ImageNotFound:
            work(remove)  # the other was faster
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("app:1", "example.org/tool:2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    store.load(io.BytesIO(archive))
    assert read(store, APP.id, "etc/os") == b"next"


# -- names ----------------------------------------------------------------------------------------------------------


def test_resolve_takes_ids_before_names_before_beginnings_of_ids(store: ImageStore) -> None:
    load(store, APP, TOOL)
    digits = APP.id[7:]
    for text in (APP.id, digits, digits[:12], f"sha256:{digits[:10]}", "app:1", "docker.io/library/app:1"):
        assert store.resolve(text) == APP.id
    store.tag("example.org/tool:2", digits[:12])
    assert store.resolve(digits[:12]) == TOOL.id


def test_resolve_refuses_what_may_mean_several(store: ImageStore) -> None:
    images = [ImageRecipe([BASE], [f"many:{number}"], {"User": str(number)}) for number in range(17)]
    load(store, *images)
    first = [image.id[7] for image in images]
    shared = next(digit for digit in first if first.count(digit) > 1)
    if len([image for image in images if image.id[7] == shared]) > 1:
        with pytest.raises(InvalidInput, match="is the beginning of"):
            store.resolve(shared)


@pytest.mark.parametrize("text", ["nothing", "app", "app:2", "f" * 64, "sha256:" + "0" * 64, "x@sha256:" + "0" * 64])
def test_resolve_says_what_is_not_there(store: ImageStore, text: str) -> None:
    load(store, APP)
    with pytest.raises(ImageNotFound, match=f"no such image: {text}") as caught:
        store.resolve(text)
    assert caught.value.hint


def test_resolve_refuses_what_is_no_name(store: ImageStore) -> None:
    with pytest.raises(InvalidInput):
        store.resolve("No Name")


def test_tag_moves_a_name_and_the_other_image_stays(store: ImageStore) -> None:
    load(store, APP, TOOL)
    store.tag("app:1", "example.org/tool:2")
    assert store.names(APP.id) == ("docker.io/library/app:1", "example.org/tool:2")
    assert store.names(TOOL.id) == ()
    assert [image.id for image in store.list({"dangling": ["true"]})] == [TOOL.id]
    with pytest.raises(InvalidInput, match="has a digest"):
        store.tag("app:1", "x@sha256:" + "0" * 64)


def test_names_outlive_the_process(store: ImageStore, tmp_path: Path) -> None:
    load(store, APP, TOOL)
    store.tag("app:1", "more")
    again = ImageStore(tmp_path / "images", tmp_path / "layers")
    again.recover()
    assert again.list() == store.list()
    assert again.rootfs(APP.id) == store.rootfs(APP.id)


# -- filters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, "tool app"),
        ({"label": ["k"]}, "app"),
        ({"label": ["k=v"]}, "app"),
        ({"label": ["k=w"]}, ""),
        ({"label!": ["k"]}, "tool"),
        ({"reference": ["app"]}, "app"),
        ({"reference": ["app:*"]}, "app"),
        ({"reference": ["*"]}, "app"),
        ({"reference": ["*/*:[12]", "nothing"]}, "tool"),
        ({"reference": ["ap?:1"]}, "app"),
        ({"before": ["example.org/tool:2"]}, "app"),
        ({"since": ["app:1"]}, "tool"),
        ({"until": ["2024-06-01"]}, "app"),
        ({"until": ["1714564801"]}, "app"),
        ({"until": ["24h"]}, "tool app"),
        ({"dangling": ["false"], "label": ["k"]}, "app"),
        ({"dangling": ["1"]}, ""),
    ],
)
def test_list_filters_as_dockers_does(store: ImageStore, filters: dict[str, list[str]], found: str) -> None:
    load(store, APP, TOOL)
    ids = {"app": APP.id, "tool": TOOL.id}
    assert [image.id for image in store.list(filters)] == [ids[name] for name in found.split()]


@pytest.mark.parametrize("filters", [{"size": ["1"]}, {"dangling": ["maybe"]}, {"until": ["soon"]}])
def test_list_refuses_unknown_filters(store: ImageStore, filters: dict[str, list[str]]) -> None:
    with pytest.raises(InvalidInput):
        store.list(filters)


# -- removal --------------------------------------------------------------------------------------------------------


def test_remove_takes_a_name_and_with_the_last_the_image(store: ImageStore, tmp_path: Path) -> None:
    empty = contents(tmp_path)
    load(store, APP)
    store.tag("app:1", "app:2")
    assert store.remove("app:1") == ImageDeletion(untagged=("docker.io/library/app:1",))
    deletion = store.remove("app:2")
    assert (deletion.untagged, deletion.deleted) == (("docker.io/library/app:2",), (APP.id,))
    assert deletion.reclaimed > 0
    assert store.list() == []
    assert contents(tmp_path) == empty


def test_remove_keeps_what_another_image_needs(store: ImageStore) -> None:
    load(store, APP, TOOL)
    store.remove("app:1")
    assert read(store, "example.org/tool:2", "etc/os") == b"base"
    assert len(store.rootfs(TOOL.id)) == 2


def test_remove_by_id_takes_all_names_of_one_repository_only(store: ImageStore) -> None:
    load(store, APP)
    store.tag("app:1", "app:2")
    store.tag("app:1", "elsewhere:1")
    with pytest.raises(Conflict, match="has several names: app:1, app:2, elsewhere:1"):
        store.remove(APP.id[7:19])
    store.remove("elsewhere:1")
    assert store.remove(APP.id[7:19]).deleted == (APP.id,)


def test_remove_never_deletes_what_a_guest_needs(store: ImageStore) -> None:
    load(store, APP)
    used = {APP.id: "web"}
    with pytest.raises(Conflict, match="image app:1 is in use by guest web"):
        store.remove("app:1", in_use=used)
    assert store.remove("app:1", force=True, in_use=used).deleted == ()
    assert store.names(APP.id) == ()
    assert store.rootfs(APP.id)
    assert store.prune(in_use=used) == ImageDeletion()
    assert store.prune().deleted == (APP.id,)


def test_remove_of_nothing_says_so(store: ImageStore) -> None:
    with pytest.raises(ImageNotFound):
        store.remove("nothing")


def test_prune_takes_the_nameless_or_all_that_filters_let(store: ImageStore) -> None:
    load(store, APP, TOOL, ImageRecipe([OTHER]))
    assert len(store.prune().deleted) == 1
    assert store.prune(all_=True, filters={"label": ["nope"]}) == ImageDeletion()
    assert store.prune(all_=True, filters={"label!": ["k"]}).deleted == (TOOL.id,)
    assert store.prune(all_=True, in_use=[APP.id]) == ImageDeletion()
    assert store.prune(filters={"dangling": ["false"]}).deleted == (APP.id,)
    assert store.usage().archives == store.usage().layers == 0


def test_usage_counts_what_is_shared_once(store: ImageStore, tmp_path: Path) -> None:
    load(store, APP, TOOL)
    usage = store.usage(in_use=[APP.id])
    assert usage.images == 2
    assert usage.layers == 15 + 4 + 300_000
    assert usage.archives == sum(path.stat().st_size for path in (tmp_path / "images/blobs/sha256").iterdir())
    assert store.usage().reclaimable == usage.layers + usage.archives
    assert store.remove("example.org/tool:2").reclaimed == usage.reclaimable


# -- damage ---------------------------------------------------------------------------------------------------------


def blob(tmp_path: Path, digest: str) -> Path:
    return tmp_path / "images/blobs/sha256" / digest.removeprefix("sha256:")


def manifest_of(tmp_path: Path, store: ImageStore, name: str) -> dict[str, object]:
    return json.loads(blob(tmp_path, store.view(name).digest).read_bytes())


def topmost_blob(tmp_path: Path, store: ImageStore, name: str) -> Path:
    return blob(tmp_path, manifest_of(tmp_path, store, name)["layers"][-1]["digest"])  # type: ignore[index]


def test_rootfs_unpacks_again_what_is_missing_or_half_there(store: ImageStore, tmp_path: Path) -> None:
    load(store, APP)
    top = store.rootfs(APP.id)[0]
    shutil.rmtree(top)
    assert (store.rootfs(APP.id)[0] / "etc/os").read_bytes() == b"next"
    (top.parent / "layer.json").unlink()
    (top / "etc/os").write_bytes(b"spoiled")
    again = ImageStore(tmp_path / "images", tmp_path / "layers")
    assert (again.rootfs(APP.id)[0] / "etc/os").read_bytes() == b"next"
    shutil.rmtree(top.parent)
    assert (again.rootfs(APP.id)[0] / "etc/os").read_bytes() == b"next"


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone", "other"])
def test_rootfs_names_a_damaged_layer_and_loading_again_mends_it(
    store: ImageStore, tmp_path: Path, damage: str
) -> None:
    load(store, APP)
    path = topmost_blob(tmp_path, store, "app:1")
    data = bytearray(path.read_bytes())
    match damage:
        case "flipped":
            data[len(data) // 2] ^= 0xFF
            path.write_bytes(data)
        case "cut":
            path.write_bytes(data[:-10])
        case "gone":
            path.unlink()
        case "other":
            path.write_bytes(PACKERS["zstd"](OTHER))
    shutil.rmtree(store.rootfs(APP.id)[0].parent)
    layer = digest_of(NEXT)[7:19]
    for _ in range(2):
        with pytest.raises(CorruptData, match=f"layer {layer} of image app:1") as caught:
            store.rootfs(APP.id)
        assert "again" in caught.value.hint
    load(store, APP)
    assert read(store, "app:1", "etc/os") == b"next"
    assert store.names(APP.id) == ("docker.io/library/app:1",)


def test_save_never_passes_damage_on_as_good(store: ImageStore, tmp_path: Path) -> None:
    load(store, TOOL)
    path = topmost_blob(tmp_path, store, "example.org/tool:2")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    for form in ("docker", "oci"):
        with pytest.raises(CorruptData):
            store.save(["example.org/tool:2"], form, io.BytesIO())
    load(store, TOOL)
    store.save(["example.org/tool:2"], "docker", io.BytesIO())


def test_one_unreadable_image_does_not_hide_the_others(store: ImageStore, tmp_path: Path) -> None:
    load(store, APP, TOOL)
    blob(tmp_path, store.view("app:1").digest).write_bytes(b"{}")
    again = ImageStore(tmp_path / "images", tmp_path / "layers")
    assert [image.id for image in again.list()] == [TOOL.id]
    with pytest.raises(CorruptData, match=r"manifest of image docker\.io/library/app:1"):
        again.resolve("app:1")
    again.recover()
    assert again.remove("example.org/tool:2").reclaimed == 0, "who knows what the other needs"
    assert len(list((tmp_path / "layers").iterdir())) == 3
    load(again, TOOL)
    again.load(io.BytesIO(docker_archive(APP)))
    assert len(again.list()) == 2


def test_an_unreadable_image_can_be_removed(store: ImageStore, tmp_path: Path) -> None:
    load(store, APP, TOOL)
    blob(tmp_path, APP.id).unlink()
    again = ImageStore(tmp_path / "images", tmp_path / "layers")
    assert again.remove("app:1").untagged == ("docker.io/library/app:1",)
    with pytest.raises(ImageNotFound):
        again.resolve("app:1")
    again.recover()
    assert read(again, "example.org/tool:2", "etc/os") == b"base"


def test_an_index_that_does_not_parse_is_named_and_condemns_nothing(store: ImageStore, tmp_path: Path) -> None:
    load(store, APP)
    index = tmp_path / "images/index.json"
    good = index.read_bytes()
    index.write_bytes(b"{")
    for call in (store.list, store.recover, lambda: load(store, TOOL)):
        with pytest.raises(CorruptData, match=r"the list of images .*index.json does not parse"):
            call()
    index.write_bytes(good)
    assert read(store, "app:1", "etc/os") == b"next"
    store.recover()


def test_recover_sweeps_what_a_crash_left(store: ImageStore, tmp_path: Path) -> None:
    load(store, APP)
    before = contents(tmp_path)
    (tmp_path / "images/.new-1234").write_bytes(b"half")
    (tmp_path / "images/.index.json.1234").write_bytes(b"half")
    (tmp_path / "images/blobs/sha256" / ("0" * 64)).write_bytes(b"nobody's")
    (tmp_path / "images/blobs/sha256" / (APP.id[7:] + ".damaged")).write_bytes(b"bad")
    for name in (".new-1234", ".old-1234", "f" * 64):
        (tmp_path / "layers" / name / "fs/a/b").mkdir(parents=True)
    ImageStore(tmp_path / "images", tmp_path / "layers").recover()
    assert contents(tmp_path) == before


# -- save -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["docker", "oci"])
def test_save_and_load_give_the_same_images(store: ImageStore, tmp_path: Path, form: str) -> None:
    load(store, APP, TOOL)
    store.tag("app:1", "second:name")
    first, second = io.BytesIO(), io.BytesIO()
    for out in (first, second):
        store.save(["app:1", "second:name", TOOL.id], form, out)
    assert first.getvalue() == second.getvalue()
    other = ImageStore(tmp_path / "other/images", tmp_path / "other/layers")
    first.seek(0)
    loaded = other.load(first)
    assert [(image.id, image.names) for image in loaded] == [
        (APP.id, ("docker.io/library/app:1", "docker.io/library/second:name")),
        (TOOL.id, ()),
    ]
    assert read(other, "app:1", "etc/os") == b"next"
    if form == "oci":
        assert other.view("app:1").digest == store.view("app:1").digest


def test_save_refuses_what_it_cannot_do(store: ImageStore) -> None:
    load(store, APP)
    with pytest.raises(InvalidInput, match="no archive format 'zip'"):
        store.save(["app:1"], "zip", io.BytesIO())
    with pytest.raises(InvalidInput, match="no image to save"):
        store.save([], "oci", io.BytesIO())
    with pytest.raises(ImageNotFound):
        store.save(["app:1", "nothing"], "oci", io.BytesIO())


# -- import and commit ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", PACKERS)
def test_import_makes_an_image_of_a_root_file_system(store: ImageStore, packed: str) -> None:
    changes = ['CMD ["sh"]', "ENV A=1", "HEALTHCHECK --interval=5s CMD true"]
    image_id = store.import_rootfs(io.BytesIO(PACKERS[packed](BASE)), "mine:1", changes=changes, message="by hand")
    assert read(store, "mine:1", "etc/os") == b"base"
    config = store.config(image_id)
    assert (config.command, config.env) == (("sh",), ("A=1",))
    assert config.healthcheck == HealthCheck(("CMD-SHELL", "true"), interval=5.0)
    assert [(step.comment, step.size) for step in store.history("mine:1")] == [("by hand", 15)]
    assert store.view("mine:1").layers == (digest_of(BASE),)


def test_import_of_bad_things_leaves_nothing(store: ImageStore, tmp_path: Path) -> None:
    before = contents(tmp_path)
    for stream, options in (
        (HOSTILE, {}), (b"", {}), (BASE[:700], {}), (BASE, {"changes": ["RUN x"]}), (BASE, {"name": "No"}),
    ):  # fmt: skip
        with pytest.raises(WirtError):
            store.import_rootfs(io.BytesIO(stream), **options)  # type: ignore[arg-type]
    assert contents(tmp_path) == before


def test_commit_adds_one_layer(store: ImageStore, tmp_path: Path) -> None:
    load(store, APP)
    upper = tmp_path / "upper"
    (upper / "etc").mkdir(parents=True)
    (upper / "etc/new").write_text("new")
    (upper / "run").mkdir()
    (upper / "run/socket").touch()
    os.mknod(upper / "etc/os", 0o20000, 0)
    config = ImageConfig(command=("new",))
    image_id = store.commit(APP.id, upper, config, author="me", message="changed", name="app:2", skip=["run"])
    assert store.rootfs(image_id)[1:] == store.rootfs(APP.id)
    top = store.rootfs(image_id)[0]
    assert sorted(str(path.relative_to(top)) for path in top.rglob("*")) == ["etc", "etc/new", "etc/os"]
    assert (top / "etc/os").is_char_device()
    view = store.view("app:2")
    assert (view.author, view.config.command) == ("me", ("new",))
    assert [step.comment for step in view.history] == ["changed", "", "", ""]
    store.remove("app:1")
    assert read(store, "app:2", "etc/new") == b"new"


def test_commit_of_a_missing_image_says_so(store: ImageStore, tmp_path: Path) -> None:
    with pytest.raises(ImageNotFound):
        store.commit("sha256:" + "0" * 64, tmp_path, ImageConfig())


# -- layers ---------------------------------------------------------------------------------------------------------


def test_a_layer_that_hides_all_below_it_ends_the_stack(store: ImageStore) -> None:
    top = tar(file(".wh..wh..opq", b""), file("only", b"this")).getvalue()
    load(store, ImageRecipe([BASE, top, NEXT], ["covered"]))
    assert len(store.rootfs(store.resolve("covered"))) == 2


def test_another_packing_of_the_same_image_takes_its_place(store: ImageStore, tmp_path: Path) -> None:
    store.load(io.BytesIO(oci_archive(APP, packed="zstd")))
    store.tag("app:1", "kept")
    first = store.view(APP.id).digest
    store.load(io.BytesIO(oci_archive(APP, packed="gzip")))
    assert store.resolve(first) == APP.id, "the other name is still that manifest's"
    assert set(store.names(APP.id)) == {"docker.io/library/app:1", "docker.io/library/kept:latest"}
    store.remove("kept")
    store.load(io.BytesIO(oci_archive(APP, packed="plain")))
    assert len(list((tmp_path / "images/blobs/sha256").iterdir())) == 4
    assert store.names(APP.id) == ("docker.io/library/app:1",)
