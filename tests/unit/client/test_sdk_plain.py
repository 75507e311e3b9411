"""What a sandbox's guest sends is data, whatever it is: nothing is called, nothing grows, nothing changes here."""

from __future__ import annotations

import collections
import datetime
import decimal
import io
import os
import pickle
import pickletools
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt.client.sdk.plain import plain
from wirt.errors import RuntimeFailure

SIMPLE = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.complex_numbers(allow_nan=False)
    | st.text() | st.binary() | st.binary().map(bytearray) | st.dates() | st.datetimes() | st.times()
    | st.timedeltas() | st.decimals(allow_nan=False) | st.uuids() | st.builds(range, st.integers(0, 9))
)  # fmt: skip
KEYS = st.none() | st.integers() | st.text() | st.binary() | st.tuples(st.integers(), st.text()) | st.uuids()
PLAIN = st.recursive(
    SIMPLE,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(KEYS, inner)
        | st.dictionaries(KEYS, inner).map(collections.OrderedDict)
        | st.frozensets(KEYS)
        | st.sets(KEYS)
    ),
)


def packed(thing: object) -> bytes:
    """As the guest does it."""
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, 5)
    pickler.fast = True
    pickler.dump(thing)
    return buffer.getvalue()


@given(PLAIN)
def test_plain_data_comes_as_it_was(thing: object) -> None:
    assert plain(packed(thing)) == thing


def test_classes_stay_what_they_are() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    for thing in (datetime.datetime(2026, 1, 2, tzinfo=zone), decimal.Decimal("1.50"), uuid.uuid4(), slice(1, 2)):
        assert type(plain(packed(thing))) is type(thing)
    assert plain(packed("x" * (1 << 20))) == "x" * (1 << 20)


class Call:
    """Pickled, it is a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> Any:
        return self._call


@pytest.mark.parametrize("function", [os.system, eval, getattr, print, type, bytearray, bytes, str, list, __import__])
def test_nothing_is_called(function: Any) -> None:
    with pytest.raises(RuntimeFailure, match="which is no plain data"):
        plain(packed([1, Call(function, "1")]))


DEEP = b"\x80\x05" + b"]" * 1_000_000 + b"a" * 999_999 + b"."
DOUBLED = b"\x80\x05(K\x01" + b"2\x86" * 60 + b"."  # DUP, TUPLE2: whoever hashes or prints it needs for ever
HOSTILE = {
    "memory of its own": b"\x80\x05]r\xff\xff\xff\x7f.",
    "huge bytes": b"\x80\x05\x8e" + (1 << 62).to_bytes(8, "little") + b"x.",
    "huge buffer": b"\x80\x05\x96" + (1 << 35).to_bytes(8, "little") + b"x.",
    "huge frame": b"\x80\x05\x95" + (1 << 62).to_bytes(8, "little") + b"x.",
    "huge number": b"\x80\x05\x8b\xff\xff\xff\x7f\x01.",
    "doubled": DOUBLED,
    "doubled by memory": b"\x80\x05K\x01" + b"\x94h\x00\x86" * 60 + b".",
    "an extension": b"\x80\x05\x82\x01.",
    "an outer buffer": b"\x80\x05\x97.",
    "a persistent id": b"\x80\x05K\x01Q.",
    "an old global": b"cos\nsystem\n(S'true'\ntR.",
    "an old instance": b"(S'true'\nios\nsystem\n.",
    "an attribute of a class": b"\x80\x05\x8c\x08datetime\x8c\x0cdatetime.now\x93)R.",
    "a change of a class": b"\x80\x05\x8c\x04uuid\x8c\x04UUID\x93N}\x8c\x03hexK\x01s\x86b.",
    "a change of an object": packed(uuid.UUID(int=1)).replace(b"\x8c\x03int", b"\x8c\x03hex"),
    "a call of what is none": b"\x80\x05K\x01)R.",
    "an instance of what is none": b"\x80\x05K\x01)\x81.",
    "a list as a key": b"\x80\x05}]K\x01s.",
    "no stack": b"\x80\x05a.",
    "no end": b"\x80\x05]",
    "nothing": b"",
    "another protocol": b"\x80\x09N.",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_data_is_refused_in_one_line(data: bytes) -> None:
    before = uuid.UUID(int=1).hex
    with pytest.raises(RuntimeFailure) as caught:
        plain(data)
    assert "\n" not in str(caught.value)
    assert uuid.UUID(int=1).hex == before


def test_deep_data_is_data() -> None:
    found = plain(DEEP)
    depth = 0
    while found:
        (found,) = found
        depth += 1
    assert depth == 999_999


CODES = st.sampled_from([code.code.encode("latin-1") for code in pickletools.opcodes])


@given(st.binary(max_size=300) | st.lists(CODES, max_size=60).map(b"".join))
def test_any_bytes_are_data_or_refused(data: bytes) -> None:
    for whole in (data, b"\x80\x05" + data + b"."):
        try:
            plain(whole)
        except RuntimeFailure as error:
            assert "\n" not in str(error)
