"""Trees in and out of tar streams: everything a file can be survives, and no archive reaches past its root."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.archives import Member, file, folder, hard_link, symlink, tar
from wirt.errors import CorruptData, InvalidInput, WirtError
from wirt.host.tarfs import pack, unpack

pytestmark = pytest.mark.root

OPAQUE = "trusted.overlay.opaque"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("untouched")
    return tmp_path / "root"


def snapshot(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything a tar archive is to keep of a tree."""
    found: dict[str, tuple[object, ...]] = {}
    numbers: dict[int, str] = {}
    for path in sorted([folder, *folder.rglob("*")]):
        info = path.lstat()
        name = str(path.relative_to(folder))
        content: object = None
        if stat.S_ISREG(info.st_mode):
            content = path.read_bytes()
        elif stat.S_ISLNK(info.st_mode):
            content = str(path.readlink())
        xattrs = {
            key: os.getxattr(path, key, follow_symlinks=False) for key in os.listxattr(path, follow_symlinks=False)
        }
        first = numbers.setdefault(info.st_ino, name)
        found[name] = (info.st_mode, info.st_uid, info.st_gid, info.st_mtime_ns, info.st_rdev, content, xattrs, first)
    return found


# -- what survives --------------------------------------------------------------------------------------------------


def populate(folder: Path) -> None:
    """One of everything."""
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "plain").write_bytes(os.urandom(700_000))
    (folder / "empty").touch()
    (folder / "sub" / ("long" * 40)).write_text("a name for a pax header")
    (folder / "sub" / "grün").write_text("not ascii")
    (folder / os.fsdecode(b"\xff\xfe")).write_text("not even unicode")
    os.link(folder / "plain", folder / "sub" / "hard")
    (folder / "link").symlink_to("sub/hard")
    (folder / "dangling").symlink_to("/nowhere/" + "x" * 150)
    os.link(folder / "link", folder / "sub" / "hard-symlink", follow_symlinks=False)
    os.mkfifo(folder / "fifo", 0o600)
    os.mknod(folder / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(folder / "disk", stat.S_IFBLK | 0o660, os.makedev(8, 1))
    os.chown(folder / "plain", 1000, 3_000_000)
    (folder / "plain").chmod(0o4755)
    (folder / "sub").chmod(0o1777)
    os.chown(folder / "link", 7, 8, follow_symlinks=False)
    capability = bytes.fromhex("0100000200040000000000000000000000000000")  # cap_net_bind_service=ep
    os.setxattr(folder / "empty", "security.capability", capability)
    os.setxattr(folder / "sub", "trusted.wirt", b"\x00binary\xff\n")
    for number, path in enumerate(sorted(folder.rglob("*"), reverse=True)):
        times = (1_600_000_000_123_456_789 + number, -1_500_000_000 + number * 10**9)
        os.utime(path, ns=(times[1], times[0] if number % 3 else times[1]), follow_symlinks=False)


def test_unpack_of_pack_gives_the_same_tree(root: Path, tmp_path: Path) -> None:
    populate(root)
    archive = io.BytesIO()
    packed = pack(root, archive, whiteouts=False)
    archive.seek(0)
    copy = tmp_path / "copy"
    copy.mkdir()

    unpacked = unpack(archive, copy, whiteouts=False)

    assert snapshot(copy) == snapshot(root)
    assert (unpacked.bytes, unpacked.entries) == (packed.bytes, packed.entries)
    assert packed.bytes == sum(
        p.stat().st_size for p in (root / "plain", *(root / "sub").glob("[lg]*"), *root.glob("\udcff*"))
    )


def test_pack_is_the_same_for_the_same_tree(root: Path, tmp_path: Path) -> None:
    populate(root)
    subprocess.run(["cp", "-a", root, tmp_path / "copy"], check=True)
    first, second = io.BytesIO(), io.BytesIO()
    pack(root, first, whiteouts=False)
    pack(tmp_path / "copy", second, whiteouts=False)
    assert first.getvalue() == second.getvalue()
    assert len(first.getvalue()) % 10240 == 0


def test_gnu_tar_reads_what_pack_writes(root: Path, tmp_path: Path) -> None:
    populate(root)
    with open(tmp_path / "tree.tar", "wb") as out:
        pack(root, out, whiteouts=False)
    copy = tmp_path / "copy"
    copy.mkdir()
    command = [
        "tar",
        "--extract",
        "--numeric-owner",
        "--xattrs",
        "--xattrs-include=*",
        "-p",
        "-C",
        copy,
        "-f",
        tmp_path / "tree.tar",
    ]
    subprocess.run(command, check=True)
    assert snapshot(copy) == snapshot(root)


@pytest.mark.parametrize("flavour", ["gnu", "posix", "oldgnu", "sparse", "sparse-posix-0.1", "sparse-posix-1.0"])
def test_unpack_reads_what_gnu_tar_writes(root: Path, tmp_path: Path, flavour: str) -> None:
    populate(root)
    options = ["--format", flavour.removeprefix("sparse-").partition("-")[0].replace("sparse", "gnu")]
    if flavour.startswith("sparse"):
        with open(root / "holes", "wb") as file:
            for place in range(40):  # more runs than a header holds
                file.seek(place * 100_000)
                file.write(b"data" * 100)
            file.truncate(50_000_000)
        options.append("--sparse")
    if flavour.startswith("sparse-posix"):
        options.append(f"--sparse-version={flavour.rpartition('-')[2]}")
    if "posix" in flavour:
        options += ["--xattrs", "--xattrs-include=*"]
    subprocess.run(["tar", "-c", *options, "-C", root, "-f", tmp_path / "tree.tar", "."], check=True)
    copy = tmp_path / "copy"
    copy.mkdir()

    with open(tmp_path / "tree.tar", "rb") as archive:
        unpack(archive, copy, whiteouts=False)

    def comparable(folder: Path) -> dict[str, tuple[object, ...]]:
        """Older formats know neither attributes nor fractions of a second."""
        if "posix" in flavour:
            return snapshot(folder)
        return {name: (*f[:3], f[3] // 10**9, *f[4:6], f[7]) for name, f in snapshot(folder).items()}  # type: ignore[operator]

    assert comparable(copy) == comparable(root)
    if flavour.startswith("sparse"):
        assert (copy / "holes").stat().st_blocks * 512 < 5_000_000


def test_unpack_lets_the_last_entry_of_a_name_win(root: Path) -> None:
    unpack(
        tar(
            file("a", b"one"), file("a", b"two"),
            symlink("b", "a"), file("b", b"three"),
            folder("c"), file("c/inner"), file("c", b"four"),
            file("d", b"five"), folder("d"), file("d/inner", b"six"),
            folder("g"), file("g/x", b"old"), hard_link("g/x", "a"),
            folder("e", mtime=5), folder("e", mode=0o700, mtime=6), hard_link("a", "a"),
        ),
        root,
        whiteouts=False,
    )  # fmt: skip
    assert [(root / name).read_bytes() for name in ("a", "b", "c", "d/inner")] == [b"two", b"three", b"four", b"six"]
    assert not (root / "b").is_symlink()
    assert (root / "g/x").samefile(root / "a")
    assert (root / "e").stat().st_mtime == 6
    assert stat.S_IMODE((root / "e").stat().st_mode) == 0o700


def test_unpack_makes_parents_that_have_no_entry(root: Path) -> None:
    unpack(tar(file("a/b/c/d")), root, whiteouts=False)
    assert (root / "a/b/c/d").read_bytes() == b"contents"
    assert stat.S_IMODE((root / "a/b").stat().st_mode) == 0o755


def test_unpack_counts_absolute_names_from_the_root(root: Path) -> None:
    unpack(tar(file("/etc/hostname"), hard_link("/etc/other", "/etc/hostname")), root, whiteouts=False)
    assert (root / "etc/other").samefile(root / "etc/hostname")


def test_unpack_follows_the_archives_own_links_inside_the_root(root: Path) -> None:
    unpack(tar(folder("usr"), folder("usr/lib"), symlink("lib", "/usr/lib"), file("lib/x")), root, whiteouts=False)
    assert (root / "usr/lib/x").exists()


def test_unpack_into_a_folder_of_the_root(root: Path) -> None:
    (root / "run").mkdir()
    (root / "var").mkdir()
    (root / "var/run").symlink_to("/run")
    unpack(tar(file("x/pid", uid=5)), root, whiteouts=False, into="/var/run", owner=(0, 0))
    assert (root / "run/x/pid").stat().st_uid == 0


def test_unpack_keeps_kinds_where_asked(root: Path) -> None:
    (root / "folder").mkdir()
    (root / "file").touch()
    with pytest.raises(InvalidInput, match="'folder' would replace a folder"):
        unpack(tar(file("folder")), root, whiteouts=False, keep_kinds=True)
    with pytest.raises(InvalidInput, match="'file' would replace something with a folder"):
        unpack(tar(folder("file")), root, whiteouts=False, keep_kinds=True)
    assert (root / "folder").is_dir()


def test_unpack_tells_its_progress(root: Path) -> None:
    told: list[int] = []
    archive = tar(*(file(f"f{n}", bytes(900_000)) for n in range(5)))
    unpack(archive, root, whiteouts=False, progress=told.append)
    assert told == sorted(told)
    assert 2 <= len(told) <= 5


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(1, 5000), min_size=1, max_size=8))
def test_unpack_reads_streams_that_come_in_any_pieces(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    class Dribble(io.BytesIO):
        turn = 0

        def read(self, size: int | None = -1, /) -> bytes:
            self.turn += 1
            return super().read(min(size or 0, cuts[self.turn % len(cuts)]))

    target = tmp_path_factory.mktemp("dribble")
    unpack(Dribble(tar(file("a", bytes(range(256)) * 9), file("n" * 140, b"z")).getvalue()), target, whiteouts=False)
    assert (target / "a").read_bytes() == bytes(range(256)) * 9
    assert (target / ("n" * 140)).read_bytes() == b"z"
    shutil.rmtree(target)


# -- one path out of a tree -----------------------------------------------------------------------------------------


def names(archive: io.BytesIO) -> list[str]:
    archive.seek(0)
    with tarfile.open(fileobj=archive) as tar_file:
        return tar_file.getnames()


def packed(root: Path, **options: object) -> list[str]:
    out = io.BytesIO()
    pack(root, out, **{"whiteouts": False, **options})  # type: ignore[arg-type]
    return names(out)


def test_pack_takes_one_file_or_folder_under_another_name(root: Path) -> None:
    (root / "etc/ssl").mkdir(parents=True)
    (root / "etc/hosts").touch()
    (root / "etc/ssl/cert").touch()
    (root / "link").symlink_to("/etc")
    assert packed(root, path="/etc/hosts", name="h") == ["h"]
    assert packed(root, path="etc", name="e") == ["e", "e/hosts", "e/ssl", "e/ssl/cert"]
    assert packed(root, path="etc", name="") == [".", "hosts", "ssl", "ssl/cert"]
    assert packed(root, path="etc") == ["etc", "etc/hosts", "etc/ssl", "etc/ssl/cert"]
    assert packed(root, path="link/hosts", name="h") == ["h"]
    assert packed(root, path="link") == ["link"]
    assert packed(root, skip=("etc/ssl", "/link")) == [".", "etc", "etc/hosts"]


def test_pack_of_a_missing_path_says_so(root: Path) -> None:
    for path in ("nothing", "nothing/below"):
        with pytest.raises(FileNotFoundError):
            packed(root, path=path)


def test_pack_never_leaves_the_root(root: Path) -> None:
    (root / "out").symlink_to("../outside")
    (root / "abs").symlink_to(root.parent / "outside")
    for path in ("out/secret", "abs/secret", "../outside/secret"):
        with pytest.raises(FileNotFoundError):
            packed(root, path=path)


def test_pack_clamps_times(root: Path) -> None:
    (root / "old").touch()
    os.utime(root / "old", (5, 5))
    (root / "new").touch()
    out = io.BytesIO()
    pack(root, out, whiteouts=False, clamp_mtime=1_000_000_000)
    out.seek(0)
    with tarfile.open(fileobj=out) as archive:
        assert {m.name: m.mtime for m in archive} == {".": 1e9, "new": 1e9, "old": 5}


# -- deletions ------------------------------------------------------------------------------------------------------


def is_whiteout(path: Path) -> bool:
    info = path.lstat()
    return stat.S_ISCHR(info.st_mode) and info.st_rdev == 0


def test_unpack_turns_oci_deletions_into_overlayfs_ones(root: Path) -> None:
    unpack(
        tar(folder("a"), file("a/.wh.gone"), folder("b"), file("b/.wh..wh..opq"), file(".wh..wh.plnk")),
        root,
        whiteouts=True,
    )
    assert is_whiteout(root / "a/gone")
    assert os.getxattr(root / "b", OPAQUE) == b"y"
    assert sorted(path.name for path in root.rglob("*")) == ["a", "b", "gone"]


def test_unpack_lets_a_layers_own_entries_stand_beside_its_deletions(root: Path) -> None:
    unpack(
        tar(
            file("f"), file(".wh.f"),
            file(".wh.g"), file("g"),
            folder("d"), file("d/x"), file(".wh.d"),
            file(".wh.e"), folder("e"), file("e/x"),
            file(".wh.i"), file("i/x"),
        ),
        root,
        whiteouts=True,
    )  # fmt: skip
    assert (root / "f").read_bytes() == (root / "g").read_bytes() == b"contents"
    for name in ("d", "e", "i"):
        assert os.getxattr(root / name, OPAQUE) == b"y"
        assert (root / name / "x").exists()


def test_pack_turns_overlayfs_deletions_into_oci_ones(root: Path) -> None:
    (root / "d").mkdir()
    os.mknod(root / "d/gone", stat.S_IFCHR, 0)
    (root / "o").mkdir()
    os.setxattr(root / "o", OPAQUE, b"y")
    os.setxattr(root / "o", "trusted.overlay.origin", b"x")
    out = io.BytesIO()
    pack(root, out, whiteouts=True)
    assert names(out) == [".", "d", "d/.wh.gone", "o", "o/.wh..wh..opq"]
    assert b"trusted.overlay" not in out.getvalue()


@pytest.mark.parametrize("attribute", ["redirect", "metacopy"])
def test_pack_refuses_what_a_layer_cannot_hold(root: Path, attribute: str) -> None:
    (root / "moved").mkdir()
    os.setxattr(root / "moved", f"trusted.overlay.{attribute}", b"/old")
    with pytest.raises(InvalidInput, match="'moved' cannot be in a layer"):
        packed(root, whiteouts=True)


def test_pack_refuses_files_named_like_deletions(root: Path) -> None:
    (root / ".wh.x").touch()
    with pytest.raises(InvalidInput, match="cannot be in a layer"):
        packed(root, whiteouts=True)
    assert packed(root) == [".", ".wh.x"]


# -- hostile archives -----------------------------------------------------------------------------------------------


def overwrite(archive: io.BytesIO, at: int, data: bytes) -> io.BytesIO:
    """Bytes of the first header replaced, checksum made right again."""
    raw = bytearray(archive.getvalue())
    raw[at : at + len(data)] = data
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw[:512])
    return io.BytesIO(bytes(raw))


def pax(name: str, **records: str) -> Member:
    return (name, b"contents", {"pax_headers": {key.replace("__", "."): value for key, value in records.items()}})


def claims(size: int) -> io.BytesIO:
    return overwrite(tar(file("big")), 124, b"\x80" + size.to_bytes(11, "big"))


def extension(size: int) -> io.BytesIO:
    return io.BytesIO(overwrite(tar(file("x")), 124, b"\x80" + size.to_bytes(11, "big")).getvalue()[:512])


def extension_of_type(kind: bytes, size: int) -> io.BytesIO:
    return overwrite(extension(size), 156, kind)


REFUSED: dict[str, Callable[[], io.BytesIO]] = {
    "dot-dot": lambda: tar(file("../outside/new")),
    "dot-dot inside": lambda: tar(folder("a"), file("a/../../outside/new")),
    "absolute dot-dot": lambda: tar(file("/../outside/new")),
    "only dot-dot": lambda: tar(folder("..")),
    "through a relative symlink": lambda: tar(symlink("l", "../outside"), file("l/new")),
    "over a file through a symlink": lambda: tar(symlink("l", "../outside"), file("l/secret")),
    "folder through a symlink": lambda: tar(symlink("l", "../outside"), folder("l/new")),
    "symlink through a symlink": lambda: tar(symlink("l", "../outside"), symlink("l/new", "x")),
    "device through a symlink": lambda: tar(symlink("l", "../outside"), ("l/n", tarfile.CHRTYPE, {"devmajor": 1})),
    "through two symlinks": lambda: tar(symlink("m", ".."), symlink("l", "m/outside"), file("l/new")),
    "through a magic link": lambda: tar(symlink("l", "/proc/self/root"), file("l/tmp/new")),
    "symlink loop": lambda: tar(symlink("l", "m"), symlink("m", "l"), file("l/new")),
    "folder replaced by a symlink": lambda: tar(folder("d"), file("d/x"), symlink("d", "../outside"), file("d/secret")),
    "hard link out": lambda: tar(hard_link("h", "../outside/secret")),
    "hard link out, absolute": lambda: tar(hard_link("h", "/etc/passwd")),
    "hard link through a symlink": lambda: tar(symlink("l", "../outside"), hard_link("h", "l/secret")),
    "hard link to a missing file": lambda: tar(hard_link("h", "missing")),
    "hard link to a folder": lambda: tar(folder("d"), hard_link("h", "d")),
    "hard link to nothing": lambda: tar(hard_link("h", "")),
    "below a file": lambda: tar(file("f"), file("f/x")),
    "symlink to nothing": lambda: tar(symlink("l", "")),
    "NUL in a name": lambda: tar(pax("x", path="a\0b")),
    "NUL in a link": lambda: tar(("l", tarfile.SYMTYPE, {"pax_headers": {"linkpath": "a\0b"}})),
    "NUL in an attribute": lambda: tar(pax("x", SCHILY__xattr__user__a="1", **{"SCHILY__xattr__user.b\0": "1"})),
    "file without a name": lambda: tar(file("./")),
    "file called slash": lambda: tar(file("/")),
    "name too long": lambda: tar(file("n" * 300)),
    "path too long": lambda: tar(file("d/" * 3000 + "f")),
    "deletes itself": lambda: tar(file("a/.wh.")),
    "deletes its folder": lambda: tar(file("a/.wh..")),
    "deletes its parent": lambda: tar(file("a/.wh...")),
    "size of eight exbibytes": lambda: claims(2**63 - 1),
    "size beyond all integers": lambda: claims(2**80),
    "negative size": lambda: overwrite(tar(file("x")), 124, b"\xff" * 12),
    "pax size that is no number": lambda: tar(pax("x", size="many")),
    "pax size, negative": lambda: tar(pax("x", size="-1")),
    "pax time that is no number": lambda: tar(pax("x", mtime="soon")),
    "pax time beyond all clocks": lambda: tar(pax("x", mtime="9" * 20)),
    "owner that is none": lambda: tar(pax("x", uid=str(2**32 - 1))),
    "owner out of range": lambda: tar(pax("x", gid=str(2**40))),
    "pax header of a terabyte": lambda: extension_of_type(b"x", 2**40),
    "long name of a terabyte": lambda: extension_of_type(b"L", 2**40),
    "global header of a terabyte": lambda: extension_of_type(b"g", 2**40),
    "pax header of two megabytes": lambda: tar(pax("x", comment="c" * 2**21)),
    "unknown type": lambda: overwrite(tar(file("x")), 156, b"Q"),
    "bad checksum": lambda: io.BytesIO(b"X" + tar(file("x")).getvalue()[1:]),
    "truncated data": lambda: io.BytesIO(tar(file("x", bytes(5000))).getvalue()[:2000]),
    "truncated header": lambda: io.BytesIO(tar(file("x")).getvalue()[:100]),
    "nothing": lambda: io.BytesIO(b""),
    "not tar at all": lambda: io.BytesIO(b"<!doctype html>" * 100),
    "holes that overlap": lambda: tar(pax("x", GNU__sparse__map="0,4,2,4", GNU__sparse__size="8")),
    "holes beyond the end": lambda: tar(pax("x", GNU__sparse__map="0,4,6,4", GNU__sparse__size="8")),
    "holes without end": lambda: tar(pax("x", GNU__sparse__major="1", GNU__sparse__realsize="8")),
    "holes of the oldest kind": lambda: tar(pax("x", GNU__sparse__numblocks="1", GNU__sparse__size="8")),
    "sparse beyond all measure": lambda: tar(pax("x", GNU__sparse__map="0,8", GNU__sparse__size=str(2**63))),
    "device numbers out of range": lambda: overwrite(
        tar(("d", tarfile.CHRTYPE, {})), 329, b"\x80" + (2**50).to_bytes(7, "big")
    ),
}


@pytest.mark.parametrize("hostile", REFUSED.values(), ids=REFUSED.keys())
def test_unpack_refuses_hostile_archives(root: Path, hostile: Callable[[], io.BytesIO]) -> None:
    before = snapshot(root.parent / "outside")
    with pytest.raises((InvalidInput, CorruptData)) as caught:
        unpack(hostile(), root, whiteouts=True)
    assert str(caught.value).isprintable(), "one line, whatever the names"
    assert len(str(caught.value)) < 400
    assert snapshot(root.parent / "outside") == before
    assert sorted(path.name for path in root.parent.iterdir()) == ["outside", "root"]


CONFINED: dict[str, Callable[[], io.BytesIO]] = {
    "absolute name": lambda: tar(file("/outside/secret", b"mine")),
    "absolute symlink": lambda: tar(folder("tmp"), symlink("l", "/tmp"), file("l/new", b"mine")),
    "symlink far up": lambda: tar(folder("tmp"), symlink("l", "../" * 50 + "tmp"), file("l/new", b"mine")),
    "symlink replaced by its file": lambda: tar(symlink("l", "../outside/secret"), file("l", b"mine")),
    "symlink replaced by its folder": lambda: tar(symlink("l", "../outside"), folder("l"), file("l/secret", b"mine")),
    "hard link to a symlink": lambda: tar(symlink("l", "../outside/secret"), hard_link("h", "l"), file("h", b"mine")),
    "mode on a symlink": lambda: tar(
        ("l", tarfile.SYMTYPE, {"linkname": "../outside/secret", "mode": 0o777, "uid": 9})
    ),
    "attribute on a symlink": lambda: tar(
        ("l", tarfile.SYMTYPE, {"linkname": "../outside/secret", "pax_headers": {"SCHILY.xattr.trusted.x": "1"}})
    ),
}


@pytest.mark.parametrize("archive", CONFINED.values(), ids=CONFINED.keys())
def test_unpack_keeps_inside_what_it_accepts(root: Path, archive: Callable[[], io.BytesIO]) -> None:
    before = snapshot(root.parent / "outside")
    unpack(archive(), root, whiteouts=False)
    assert snapshot(root.parent / "outside") == before
    assert not Path("/tmp/new").exists()


def test_unpack_takes_no_attributes_of_overlayfs_or_of_other_machines(root: Path) -> None:
    names = ("trusted.overlay.redirect", "trusted.overlay.opaque", "user.overlay.whiteout", "security.selinux")
    unpack(tar(pax("d", **{f"SCHILY__xattr__{name}": "/etc" for name in names})), root, whiteouts=True)
    assert os.listxattr(root / "d") == []


def test_unpack_survives_very_deep_trees_and_their_replacement(root: Path) -> None:
    deep = "/".join("d" * 1900)
    unpack(tar(file(f"{deep}/f"), file("d", b"flat")), root, whiteouts=False)
    assert (root / "d").read_bytes() == b"flat"


@settings(max_examples=150, deadline=None)
@given(
    members=st.lists(
        st.tuples(
            st.lists(st.sampled_from(["a", "b", "..", ".", "", ".wh.a", ".wh..wh..opq"]), min_size=1, max_size=4),
            st.sampled_from([b"contents", tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]),
            st.lists(st.sampled_from(["a", "b", "..", "", "outside"]), min_size=1, max_size=4),
        ),
        max_size=10,
    ),
    whiteouts=st.booleans(),
)
def test_unpack_touches_nothing_outside_whatever_the_entries(
    tmp_path_factory: pytest.TempPathFactory, members: list[tuple[list[str], bytes, list[str]]], whiteouts: bool
) -> None:
    base = tmp_path_factory.mktemp("fuzz")
    try:
        for name in ("root", "outside", "a", "b"):
            (base / name).mkdir()
            (base / name / "a").write_text("untouched")
        (base / "root" / "a").unlink()
        before = {name: snapshot(base / name) for name in ("outside", "a", "b")}
        entries: list[Member] = [("/".join(name), kind, {"linkname": "/".join(link)}) for name, kind, link in members]
        try:
            unpack(tar(*entries), base / "root", whiteouts=whiteouts)
        except WirtError as error:
            assert str(error).isprintable()
        assert {name: snapshot(base / name) for name in ("outside", "a", "b")} == before
        assert sorted(path.name for path in base.iterdir()) == ["a", "b", "outside", "root"]
    finally:
        shutil.rmtree(base)


@pytest.fixture(autouse=True)
def _no_descriptors_are_left_open() -> Iterator[None]:
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
