from __future__ import annotations

import json
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt.client.wire import decode, encode, query_string, quote

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_encode_says_what_json_reads(value: object) -> None:
    assert json.loads(encode(value)) == value


@given(values)
def test_decode_reads_what_json_writes(value: object) -> None:
    assert decode(json.dumps(value, indent=1)) == value
    assert decode(json.dumps(value).encode()) == value


def test_encode_takes_tuples_for_lists() -> None:
    assert encode({"a": (1, (2,))}) == '{"a":[1,[2]]}'


def test_encode_refuses_what_json_has_no_word_for() -> None:
    with pytest.raises(TypeError, match="JSON has no set"):
        encode({"a": {1}})


@pytest.mark.parametrize("text", ["", "{", "[1,]", "1 2", "nul", '{"a":}', '"abc', "\0", "}"])
def test_decode_refuses_what_is_not_json(text: str) -> None:
    with pytest.raises(ValueError):
        decode(text)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_quote_is_undone_by_unquote(text: str) -> None:
    quoted = quote(text)
    assert unquote(quoted) == text
    assert quoted.isascii()
    assert not set(quoted) & set(" /?#&=+")


def test_quote_keeps_what_is_safe_and_any_bytes() -> None:
    assert quote("a:b/c", b":") == "a:b%2Fc"
    assert quote(b"\xff".decode(errors="surrogateescape")) == "%FF"


def test_query_string_writes_flags_lists_and_leaves_out_none() -> None:
    query = query_string({"all": True, "size": False, "last": None, "filter": ["label=a=b", "x y&"], "t": 0.5})
    assert parse_qsl(query[1:]) == [
        ("all", "1"),
        ("size", "0"),
        ("filter", "label=a=b"),
        ("filter", "x y&"),
        ("t", "0.5"),
    ]
    assert query_string({"a": None}) == ""
