"""``wirt token``: no daemon is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wirt.host.token_file import digest, read


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("WIRT_HOST", raising=False)
    monkeypatch.setenv("WIRT_CONFIG", str(tmp_path / "config.toml"))
    return tmp_path


def test_token_is_printed_once_and_listed_by_name(wirt, config: Path) -> None:
    assert wirt("token", "create", "laptop") == 0
    token = wirt.out.strip()
    assert [entry.sha256 for entry in read(str(config / "tokens"))] == [digest(token)]
    assert wirt("token", "ls") == 0
    assert wirt.out.split()[0] == "NAME"
    assert "laptop" in wirt.out
    assert token not in wirt.out
    assert wirt("token", "ls", "--format", "json") == 0
    assert json.loads(wirt.out)["name"] == "laptop"


def test_token_rm_removes_those_there_are(wirt) -> None:
    wirt("token", "create", "a")
    assert wirt("token", "rm", "b", "a") == 125
    assert (wirt.out, "no such token: b" in wirt.err) == ("a\n", True)
    assert wirt("token", "ls", "-q") == 0
    assert wirt.out == ""


def test_token_of_another_host_is_managed_there(wirt, config: Path) -> None:
    assert wirt("-H", "tcp://elsewhere:2376", "token", "create", "a") == 125
    assert "on that host alone" in wirt.err
    assert not (config / "tokens").exists()
