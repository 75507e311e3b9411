from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest

from wirt.cli.tars import pack, unpack
from wirt.errors import CorruptData, InvalidInput


def packed(source: Path, name: str, **how: bool) -> dict[str, tarfile.TarInfo]:
    data = b"".join(pack(str(source), name, keep=how.get("keep", False), follow=how.get("follow", False)))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {info.name: info for info in archive}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    (root / "file").write_bytes(os.urandom(700_000))
    (root / "file").chmod(0o640)
    os.utime(root / "file", (1_600_000_000, 1_600_000_000))
    (root / "sub" / "same").hardlink_to(root / "file")
    (root / "sub" / "link").symlink_to("/absolute/and/nowhere")
    (root / "sub").chmod(0o2750)
    return root


def test_pack_names_the_root_as_asked(tree: Path) -> None:
    assert set(packed(tree, "new")) == {"new", "new/file", "new/sub", "new/sub/same", "new/sub/link"}
    assert set(packed(tree, "")) == {".", "file", "sub", "sub/same", "sub/link"}
    assert set(packed(tree / "file", "x")) == {"x"}


def test_pack_gives_files_to_root_unless_owners_are_kept(tree: Path) -> None:
    os.chown(tree / "file", 1234, 1234)
    assert {info.uid for info in packed(tree, "x").values()} == {0}
    assert packed(tree, "x", keep=True)["x/file"].uid == 1234


def test_pack_follows_its_source_only_if_asked(tree: Path) -> None:
    (tree.parent / "to").symlink_to(tree)
    assert packed(tree.parent / "to", "x")["x"].issym()
    assert "x/file" in packed(tree.parent / "to", "x", follow=True)


def test_pack_keeps_to_the_size_it_announced(tree: Path) -> None:
    pieces = pack(str(tree / "file"), "x", keep=False, follow=False)
    header = next(pieces)
    (tree / "file").write_bytes(b"short")
    with tarfile.open(fileobj=io.BytesIO(header + b"".join(pieces))) as archive:
        file = archive.extractfile("x")
        assert file is not None and file.read() == b"short" + bytes(700_000 - 5)


def test_unpack_makes_what_was_packed(tree: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    stream: Any = io.BytesIO(b"".join(pack(str(tree), "copy", keep=True, follow=False)))
    assert unpack(stream, str(target), keep=True) == []
    copy = target / "copy"
    assert (copy / "file").read_bytes() == (tree / "file").read_bytes()
    assert (copy / "sub" / "same").samefile(copy / "file")
    assert (copy / "sub" / "link").readlink() == Path("/absolute/and/nowhere")
    for name in (".", "file", "sub"):
        theirs, ours = (tree / name).stat(), (copy / name).stat()
        assert (ours.st_mode, ours.st_mtime) == (theirs.st_mode, pytest.approx(theirs.st_mtime))


def archive(*entries: tuple[str, dict[str, Any]]) -> Any:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as out:
        for name, traits in entries:
            info = tarfile.TarInfo(name)
            data = traits.pop("data", b"")
            info.size = len(data)
            for trait, value in traits.items():
                setattr(info, trait, value)
            out.addfile(info, io.BytesIO(data))
    stream.seek(0)
    return stream


def link(target: str) -> dict[str, Any]:
    return {"type": tarfile.SYMTYPE, "linkname": target}


def hard(target: str) -> dict[str, Any]:
    return {"type": tarfile.LNKTYPE, "linkname": target}


FOLDER = {"type": tarfile.DIRTYPE, "mode": 0o755}


@pytest.mark.parametrize(
    "entries",
    [
        [("../out", {"data": b"x"})],
        [("a/../../out", {"data": b"x"})],
        [("/out", {"data": b"x"})],
        [("evil", link("{outside}")), ("evil/out", {"data": b"x"})],
        [("a", dict(FOLDER)), ("a/b", link("{outside}")), ("a/b/c", dict(FOLDER))],
        [("evil", link("{outside}")), ("evil/sub", dict(FOLDER)), ("evil/sub/out", {"data": b"x"})],
        [("evil", hard("../outside/secret"))],
        [("evil", hard("/etc/passwd"))],
        [("way", link("{outside}")), ("evil", hard("way/secret"))],
        [("evil", link("{outside}")), ("evil", dict(FOLDER))],
    ],
)
def test_unpack_refuses_to_leave_its_folder(tmp_path: Path, entries: list[tuple[str, dict[str, Any]]]) -> None:
    outside, target = tmp_path / "outside", tmp_path / "target"
    outside.mkdir()
    target.mkdir()
    (outside / "secret").write_text("secret")
    stream = archive(*((name, _aimed(traits, outside)) for name, traits in entries))
    with pytest.raises(InvalidInput):
        unpack(stream, str(target), keep=False)
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside", "target"]
    assert (outside / "secret").stat().st_nlink == 1


def _aimed(traits: dict[str, Any], outside: Path) -> dict[str, Any]:
    traits = dict(traits)
    if "linkname" in traits:
        traits["linkname"] = traits["linkname"].replace("{outside}", str(outside))
    return traits


def test_unpack_replaces_a_link_and_does_not_write_through_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    target = tmp_path / "target"
    target.mkdir()
    stream = archive(("evil", link(str(tmp_path / "secret"))), ("evil", {"data": b"x"}))
    assert unpack(stream, str(target), keep=False) == []
    assert (tmp_path / "secret").read_text() == "secret"
    assert (target / "evil").read_text() == "x"


def test_unpack_makes_files_the_user_s_own_without_special_powers(tmp_path: Path) -> None:
    stream = archive(("su", {"data": b"x", "mode": 0o6755, "uid": 1234}), ("d", {**FOLDER, "mode": 0o7777}))
    unpack(stream, str(tmp_path), keep=False)
    assert stat.S_IMODE((tmp_path / "su").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "d").stat().st_mode) == 0o1777
    assert (tmp_path / "su").stat().st_uid == os.getuid()


def test_unpack_leaves_devices_and_pipes_out(tmp_path: Path) -> None:
    entries = [("null", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}), ("pipe", {"type": tarfile.FIFOTYPE})]
    assert unpack(archive(*entries, ("file", {"data": b"x"})), str(tmp_path), keep=False) == ["null", "pipe"]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    if os.getuid() == 0:
        assert unpack(archive(*entries), str(tmp_path), keep=True) == []
        assert stat.S_ISCHR((tmp_path / "null").stat().st_mode)


def test_unpack_does_not_replace_folders_by_files_nor_the_reverse(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for entries in ([("folder", {"data": b"x"})], [("file", dict(FOLDER))], [("file/in", {"data": b"x"})]):
        with pytest.raises(InvalidInput):
            unpack(archive(*entries), str(tmp_path), keep=False)


@pytest.mark.parametrize("data", [b"no tar at all" * 100, b"\x1f\x8b" * 500])
def test_unpack_tells_what_is_no_archive(tmp_path: Path, data: bytes) -> None:
    stream: Any = io.BytesIO(data)
    with pytest.raises(CorruptData):
        unpack(stream, str(tmp_path), keep=False)
