from __future__ import annotations

import os
from pathlib import Path

import pytest

from wirt.client.address import find_address
from wirt.errors import InvalidInput


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WIRT_HOST", "WIRT_RUN", "WIRT_TLS_CA", "WIRT_TOKEN", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_root_reaches_the_system_s_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    address = find_address()
    assert (str(address), address.local) == ("unix:///run/wirt/wirt.sock", True)


def test_run_folder_of_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os.path, "exists", lambda _: False)
    assert find_address().path == "/tmp/wirt-1000/wirt.sock"
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert find_address().path == "/run/user/1000/wirt/wirt.sock"


@pytest.mark.parametrize(
    ("there", "found"),
    [
        (["/run/wirt/wirt.sock"], "/run/wirt/wirt.sock"),
        (["/run/wirt/wirt.sock", "/tmp/wirt-1000/wirt.sock"], "/tmp/wirt-1000/wirt.sock"),
    ],
)
def test_users_reach_the_system_s_daemon_unless_they_have_their_own(
    monkeypatch: pytest.MonkeyPatch, there: list[str], found: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os.path, "exists", lambda path: path in there)
    assert find_address().path == found


def test_wirt_run_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WIRT_RUN", str(tmp_path))
    address = find_address()
    assert (address.path, address.local) == (f"{tmp_path}/wirt.sock", True)


def test_wirt_host_names_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRT_HOST", "tcp://[::1]:2376")
    monkeypatch.setenv("WIRT_TLS_CA", "/ca.pem")
    monkeypatch.setenv("WIRT_TOKEN", "secret\n")
    address = find_address()
    assert (address.host, address.port, address.ca, address.token) == ("::1", 2376, "/ca.pem", "secret")
    assert not address.local
    named = find_address("unix:///x/y.sock")
    assert (named.path, named.local, named.token) == ("/x/y.sock", False, "")


@pytest.mark.parametrize("url", ["x", "unix://x", "tcp://h", "tcp://h:0", "tcp://:1", "tcp://h:99999", "http://h:1"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="is not an address"):
        find_address(url)
