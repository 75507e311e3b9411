from __future__ import annotations

import stat
from pathlib import Path

import pytest

from wirt.errors import Conflict, CorruptData, InvalidInput, NotFound
from wirt.host.token_file import add, digest, new_token, read, remove


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "etc" / "tokens")  # of which not even the folder exists


def test_tokens_are_long_and_differ() -> None:
    assert len({new_token() for _ in range(100)}) == 100
    assert len(new_token()) >= 43  # 256 bits, 6 a letter


def test_token_is_kept_as_its_digest_and_for_its_owner_alone(path: str) -> None:
    token = add(path, "laptop")
    [entry] = read(path)
    assert (entry.name, entry.sha256) == ("laptop", digest(token))
    assert token not in Path(path).read_text()
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600


def test_tokens_are_removed_by_name(path: str) -> None:
    for name in ("a", "b", "c"):
        add(path, name)
    remove(path, "b")
    assert [entry.name for entry in read(path)] == ["a", "c"]
    with pytest.raises(NotFound, match="no such token: b"):
        remove(path, "b")


def test_name_that_is_taken_keeps_its_token(path: str) -> None:
    first = add(path, "a")
    with pytest.raises(Conflict, match="a token a already"):
        add(path, "a")
    assert [entry.sha256 for entry in read(path)] == [digest(first)]


@pytest.mark.parametrize("name", ["", "-a", "a b", "a\nb", "ä", "a" * 65])
def test_name_that_is_none_is_refused(path: str, name: str) -> None:
    with pytest.raises(InvalidInput, match="is no name of a token"):
        add(path, name)


def test_write_that_was_cut_short_is_no_obstacle(path: str) -> None:
    add(path, "a")
    Path(path + ".new").write_text("half a li")
    add(path, "b")
    assert [entry.name for entry in read(path)] == ["a", "b"]


def test_damaged_file_is_named_and_left_alone(path: str) -> None:
    add(path, "a")
    with open(path, "a") as file:
        file.write("b 123\n")
    with pytest.raises(CorruptData, match="line 2 is not a token's"):
        add(path, "c")
    assert Path(path).read_text().endswith("b 123\n")
