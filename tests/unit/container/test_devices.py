"""Device nodes for guests, from the host's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wirt import errors
from wirt.container import devices
from wirt.model.guest import Device


def test_device_keeps_its_numbers_and_takes_the_guests_path() -> None:
    [node] = devices.resolve(Device("/dev/null", "/dev/nothing"))
    assert (node.path, node.type, node.major, node.minor) == ("/dev/nothing", "c", 1, 3)
    assert node.file_mode == Path("/dev/null").stat().st_mode & 0o7777


def test_rules_allow_what_was_asked_for() -> None:
    nodes = devices.resolve(Device("/dev/null", "/dev/null"))
    [rule] = devices.rules_for(nodes, "rw")
    assert (rule.allow, rule.type, rule.major, rule.minor, rule.access) == (True, "c", 1, 3, "rw")


def test_a_link_leads_to_its_device(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/zero")
    [node] = devices.resolve(Device(f"{tmp_path}/link", "/dev/z"))
    assert (node.major, node.minor) == (1, 5)


def test_a_folder_is_every_device_in_it(tmp_path: Path) -> None:
    (tmp_path / "by-name").mkdir()
    (tmp_path / "by-name" / "zero").symlink_to("/dev/zero")
    (tmp_path / "null").symlink_to("/dev/null")
    (tmp_path / "text").write_text("no device")
    nodes = devices.resolve(Device(str(tmp_path), "/dev/all"))
    assert {node.path for node in nodes} == {"/dev/all/by-name/zero", "/dev/all/null"}


def test_a_pipe_needs_no_rule(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    nodes = devices.resolve(Device(f"{tmp_path}/pipe", "/dev/pipe"))
    assert [node.type for node in nodes] == ["p"]
    assert list(devices.rules_for(nodes, "rwm")) == []


@pytest.mark.parametrize(
    ("path", "message"), [("/dev/not-there", "no such file or directory"), ("/etc/hostname", "no device")]
)
def test_what_is_no_device_is_refused(path: str, message: str) -> None:
    with pytest.raises(errors.InvalidInput, match=f"--device {path}: {message}"):
        devices.resolve(Device(path, path))


@pytest.mark.parametrize("permissions", ["", "x", "rwmx"])
def test_odd_permissions_are_refused(permissions: str) -> None:
    with pytest.raises(errors.InvalidInput, match="no set of permissions"):
        devices.resolve(Device("/dev/null", "/dev/null", permissions))


def test_privileged_sees_the_hosts_devices_but_those_a_guest_has_of_its_own() -> None:
    paths = {node.path for node in devices.host_devices()}
    assert {"/dev/null", "/dev/tty"} <= paths
    assert not paths & {"/dev/console", "/dev/ptmx", "/dev/pts/ptmx"}
    assert not [path for path in paths if path.startswith(("/dev/pts/", "/dev/shm/", "/dev/mqueue/"))]
