"""Who a program runs as, by files that belong to the guest."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt import errors
from wirt.kinds.users import Account, resolve


@pytest.fixture
def root_fd(rootfs: Path) -> Iterator[int]:
    fd = os.open(rootfs, os.O_PATH | os.O_DIRECTORY)
    yield fd
    os.close(fd)


@pytest.mark.parametrize(
    ("user", "account"),
    [
        ("", Account(0, 0, (0, 10), "/root")),
        ("root", Account(0, 0, (0, 10), "/root")),
        ("bob", Account(1000, 1001, (1001, 29, 10), "/home/bob")),
        ("1000", Account(1000, 1001, (1001, 29, 10), "/home/bob")),
        ("bob:audio", Account(1000, 29, (29,), "/home/bob")),
        ("1000:29", Account(1000, 29, (29,), "/home/bob")),
        ("bob:4242", Account(1000, 4242, (4242,), "/home/bob")),
        ("4242", Account(4242, 0, (0,), "/")),
        ("4242:4343", Account(4242, 4343, (4343,), "/")),
        (":29", Account(0, 29, (29,), "/root")),
    ],
)
def test_user_is_resolved_as_docker_does(root_fd: int, user: str, account: Account) -> None:
    assert resolve(root_fd, user) == account


def test_groups_are_added_once(root_fd: int) -> None:
    assert resolve(root_fd, "bob", ("audio", "77", "wheel")).groups == (1001, 29, 10, 77)


@pytest.mark.parametrize(
    ("user", "groups", "message"),
    [
        ("nobody2", (), "unable to find user nobody2: no matching entries in passwd file"),
        ("bob:none", (), "unable to find group none: no matching entries in group file"),
        ("", ("none",), "unable to find group none"),
        ("4294967295", (), "must be in the range"),
        ("0:4294967295", (), "must be in the range"),
        ("-1", (), "unable to find user -1"),
        ("\u0661", (), "unable to find user"),  # a digit, but none of ours
    ],
)
def test_who_is_not_there_is_refused(root_fd: int, user: str, groups: tuple[str, ...], message: str) -> None:
    with pytest.raises(errors.InvalidInput, match=message):
        resolve(root_fd, user, groups)


def test_a_guest_without_the_files_has_numbers_only(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    try:
        assert resolve(fd, "") == Account(0, 0, (0,), "/")
        assert resolve(fd, "5:6") == Account(5, 6, (6,), "/")
    finally:
        os.close(fd)


def test_a_link_out_of_the_guest_stays_inside(rootfs: Path, root_fd: int, tmp_path: Path) -> None:
    (tmp_path / "passwd").write_text("bob:x:7:7::/:\n")
    (rootfs / "etc" / "passwd").unlink()
    for target in ("../../passwd", f"{tmp_path}/passwd", "/proc/self/root/etc/passwd"):
        (rootfs / "etc" / "passwd").symlink_to(target)
        with pytest.raises(errors.InvalidInput, match="unable to find user bob"):
            resolve(root_fd, "bob")
        (rootfs / "etc" / "passwd").unlink()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_something_else_in_the_files_place_is_no_file(rootfs: Path, root_fd: int, make: object) -> None:
    (rootfs / "etc" / "passwd").unlink()
    make(rootfs / "etc" / "passwd")  # type: ignore[operator]
    assert resolve(root_fd, "3").uid == 3  # and nobody waits for a pipe's other end


@given(passwd=st.binary(max_size=300), group=st.binary(max_size=300), user=st.text(max_size=12))
def test_no_file_and_no_name_does_harm(passwd: bytes, group: bytes, user: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        etc = Path(folder, "etc")
        etc.mkdir()
        (etc / "passwd").write_bytes(passwd)
        (etc / "group").write_bytes(group)
        fd = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        try:
            account = resolve(fd, user)
            assert account.gid == account.groups[0]
        except errors.InvalidInput:
            pass
        finally:
            os.close(fd)
