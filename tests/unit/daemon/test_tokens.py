from __future__ import annotations

from pathlib import Path

import pytest

from wirt.daemon.tokens import Tokens
from wirt.errors import InvalidInput
from wirt.host import token_file
from wirt.host.token_file import digest, new_token


def bearer(token: str, scheme: str = "Bearer") -> list[tuple[bytes, bytes]]:
    return [(b"host", b"x"), (b"authorization", f"{scheme} {token}".encode())]


def test_tokens_admit_any_of_theirs() -> None:
    first, second = new_token(), new_token()
    tokens = Tokens([digest(first), digest(second).upper()])
    assert tokens.admit(bearer(first))
    assert tokens.admit(bearer(second, "bearer"))


@pytest.mark.parametrize(
    "headers",
    [
        [],
        bearer("wrong"),
        bearer(""),
        bearer("right", "Basic"),
        [(b"authorization", b"right")],
        bearer("right") + bearer("right"),
    ],
)
def test_tokens_admit_nothing_else(headers: list[tuple[bytes, bytes]]) -> None:
    assert not Tokens([digest("right")]).admit(headers)


def test_tokens_none_admit_nobody() -> None:
    assert not Tokens([])
    assert not Tokens([]).admit(bearer(""))


def test_tokens_of_the_file_come_and_go_with_it(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    tokens = Tokens([digest("fixed")], path)
    made = token_file.add(str(path), "laptop")
    assert tokens.admit(bearer(made))
    assert tokens.admit(bearer("fixed"))
    token_file.remove(str(path), "laptop")
    assert not tokens.admit(bearer(made))
    assert tokens.admit(bearer("fixed"))


def test_tokens_of_a_damaged_file_admit_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "tokens"
    made = token_file.add(str(path), "laptop")
    tokens = Tokens([], path)
    assert tokens
    path.write_text(path.read_text() + "something else\n")
    assert not tokens.admit(bearer(made))
    assert "line 2 is not a token's" in caplog.text


def test_tokens_must_be_digests() -> None:
    with pytest.raises(InvalidInput, match="is not a SHA-256 in hex"):
        Tokens(["plain text"])
