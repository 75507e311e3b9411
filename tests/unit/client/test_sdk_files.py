from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirt.client.sdk.files import pack, pack_bytes, unpack, unpack_bytes
from wirt.errors import CorruptData, InvalidInput, NotFound


def archive(*members: tarfile.TarInfo) -> io.BytesIO:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for member in members:
            tar.addfile(member)
    file.seek(0)
    return file


def test_a_folder_comes_out_as_it_went_in(tmp_path: Path) -> None:
    source = tmp_path / "from"
    (source / "sub" / "empty").mkdir(parents=True)
    (source / "sub" / "file").write_bytes(b"x" * 1000)
    (source / "sub" / "file").chmod(0o640)
    os.link(source / "sub" / "file", source / "twin")
    (source / "link").symlink_to("sub/file")
    (source / ("long" * 40)).write_text("ü")
    target = tmp_path / "to"
    target.mkdir()
    made = unpack(io.BytesIO(b"".join(pack(source, "renamed"))), target)
    assert made == target / "renamed"
    assert (made / "sub" / "file").read_bytes() == b"x" * 1000
    assert (made / "sub" / "file").stat().st_mode & 0o777 == 0o640
    assert (made / "twin").samefile(made / "sub" / "file")
    assert (made / "link").readlink() == Path("sub/file")
    assert (made / "sub" / "empty").is_dir()
    assert (made / ("long" * 40)).read_text() == "ü"


@given(st.binary(max_size=3000), st.integers(0, 0o777))
@settings(max_examples=30)
def test_a_file_of_bytes_comes_out_as_it_went_in(data: bytes, mode: int) -> None:
    packed = b"".join(pack_bytes("name", data, mode))
    assert len(packed) % 512 == 0
    assert unpack_bytes(io.BytesIO(packed)) == data
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        assert tar.getmember("name").mode == mode


def test_nothing_to_pack_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        list(pack(tmp_path / "none"))


def test_a_hostile_archive_stays_inside(tmp_path: Path) -> None:
    target = tmp_path / "to"
    target.mkdir()
    up, link = tarfile.TarInfo("../out"), tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    for member in (up, link):
        with pytest.raises(CorruptData):
            unpack(archive(member), target)
    assert [path.name for path in tmp_path.rglob("*")] == ["to"]


def test_a_folder_is_no_file_to_read() -> None:
    folder = tarfile.TarInfo("folder")
    folder.type = tarfile.DIRTYPE
    with pytest.raises(InvalidInput):
        unpack_bytes(archive(folder))


def test_unpacking_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is not a folder"):
        unpack(archive(tarfile.TarInfo("x")), tmp_path / "none")
