"""Files and archives through the API, with real guests and images."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import wirt
from framework.instance import Instance
from wirt.client.address import Address
from wirt.client.transport import Transport, path
from wirt.errors import CorruptData, InvalidInput, NotFound, WirtError

pytestmark = pytest.mark.root


@pytest.fixture
def client(host: Instance) -> Iterator[wirt.Client]:
    client = wirt.Client(f"unix://{host.socket}")
    yield client
    for guest in client.guests.list(all=True):
        guest.remove(force=True)


@pytest.fixture(params=["running", "created"])
def guest(request: pytest.FixtureRequest, client: wirt.Client) -> wirt.client.sdk.Guest:
    """Copying works whether or not a guest runs."""
    made = client.guests.create("busybox", "sleep 60", network="none")
    if request.param == "running":
        made.start()
    return made


def test_files_go_in_and_come_out(guest: wirt.client.sdk.Guest, tmp_path: Path) -> None:
    source = tmp_path / "tree"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "big").write_bytes(os.urandom(3 << 20))
    (source / "link").symlink_to("sub/big")
    guest.cp_to(source, "/tmp")
    back = tmp_path / "back"
    back.mkdir()
    made = guest.cp_from("/tmp/tree", back)
    assert (made / "sub" / "big").read_bytes() == (source / "sub" / "big").read_bytes()
    assert (made / "link").readlink() == Path("sub/big")


def test_a_file_is_written_and_read(guest: wirt.client.sdk.Guest) -> None:
    guest.write_file("/etc/motd", "hello\n", mode=0o600)
    assert guest.read_file("/etc/motd") == b"hello\n"
    assert any(change.path == "/etc/motd" for change in guest.changes())


def test_a_path_that_is_not_there_is_not_found(guest: wirt.client.sdk.Guest, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        guest.read_file("/no/such/file")
    with pytest.raises(NotFound):
        guest.cp_to(tmp_path, "/no/such/folder")


def test_export_holds_the_whole_guest(guest: wirt.client.sdk.Guest) -> None:
    guest.write_file("/tmp/mark", "x")
    with tarfile.open(fileobj=io.BytesIO(b"".join(guest.export()))) as tar:
        names = {name.removeprefix("./") for name in tar.getnames()}
    assert {"tmp/mark", "etc", "bin/busybox"} <= names


def test_commit_makes_an_image_that_runs(client: wirt.Client, guest: wirt.client.sdk.Guest) -> None:
    guest.write_file("/greeting", "committed\n")
    image = guest.commit("committed:1", changes=['CMD ["cat", "/greeting"]'])
    try:
        assert client.run("committed:1", network="none").stdout == "committed\n"
        assert client.images.get(image).config.command == ("cat", "/greeting")
    finally:
        client.images.remove("committed:1", force=True)


def test_an_upload_that_is_no_archive_is_refused_in_one_line(guest: wirt.client.sdk.Guest, host: Instance) -> None:
    transport = Transport(Address(str(host.socket)))
    with pytest.raises(WirtError) as caught:
        transport.request("PUT", path("guests", guest.id, "archive"), query={"path": "/tmp"}, body=b"not a tar" * 1000)
    assert isinstance(caught.value, InvalidInput | CorruptData)
    assert "\n" not in str(caught.value)


def test_an_image_goes_out_and_comes_back(client: wirt.Client, tmp_path: Path) -> None:
    before = client.images.get("busybox")
    for form in ("docker", "oci"):
        client.images.tag("busybox", f"copy:{form}")
        client.images.save(f"copy:{form}", tmp_path / f"{form}.tar", format=form)
        client.images.remove(f"copy:{form}")
        (loaded,) = client.images.load(tmp_path / f"{form}.tar")
        assert loaded.id == before.id
        assert client.run(f"copy:{form}", "true", network="none").exit_code == 0
        client.images.remove(f"copy:{form}")


@pytest.mark.parametrize("cut", [10, 100_000, -2000])
def test_an_image_archive_cut_short_leaves_nothing(client: wirt.Client, busybox_archive: Path, cut: int) -> None:
    before = client.images.list()
    data = busybox_archive.read_bytes()[:cut]
    with pytest.raises(WirtError) as caught:
        client.images.load([data])
    assert "\n" not in str(caught.value)
    assert client.images.list() == before


def test_a_rootfs_becomes_an_image(client: wirt.Client, guest: wirt.client.sdk.Guest) -> None:
    client.images.import_rootfs(guest.export(), "rootfs:1", changes=["CMD echo imported"])
    try:
        assert client.run("rootfs:1", network="none").stdout == "imported\n"
    finally:
        client.images.remove("rootfs:1")
