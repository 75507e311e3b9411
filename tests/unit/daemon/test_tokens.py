from __future__ import annotations

import pytest

from wirt.daemon.tokens import Tokens, digest, new_token
from wirt.errors import InvalidInput


def bearer(token: str, scheme: str = "Bearer") -> list[tuple[bytes, bytes]]:
    return [(b"host", b"x"), (b"authorization", f"{scheme} {token}".encode())]


def test_tokens_are_long_and_differ() -> None:
    assert len({new_token() for _ in range(100)}) == 100
    assert len(new_token()) >= 43  # 256 bits, 6 a letter


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


def test_tokens_must_be_digests() -> None:
    with pytest.raises(InvalidInput, match="is not a SHA-256 in hex"):
        Tokens(["plain text"])
