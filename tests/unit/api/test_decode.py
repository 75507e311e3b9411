from __future__ import annotations

import dataclasses

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt.api.decode import decode
from wirt.errors import InvalidInput
from wirt.model.guest import GuestSpec, Mount, MountType, Resources, RestartMode, RestartPolicy
from wirt.model.wire import GuestUpdate, RunRequest


def complaint(body: bytes, into: type) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        decode(body, into)
    assert "\n" not in str(caught.value)
    return caught.value


def test_decode_gives_the_dataclass() -> None:
    body = b'{"spec":{"image":"a","command":["x"],"resources":{"cpus":2},"mounts":[{"type":"tmpfs","target":"/t"}]}}'
    request = decode(body, RunRequest)
    assert request.spec.command == ("x",)
    assert request.spec.resources == Resources(cpus=2.0)
    assert request.spec.mounts == (Mount(MountType.TMPFS, "/t"),)


def test_decode_takes_inherited_fields() -> None:
    update = decode(b'{"memory": 5, "restart": {"mode": "always"}}', GuestUpdate)
    assert update == GuestUpdate(memory=5, restart=RestartPolicy(RestartMode.ALWAYS))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"spec":{"image":"a","nme":"x"}}', "unknown field 'spec.nme'"),
        (b'{"spec":{"mounts":[{"type":"bind","target":"/"},{"src":"/"}]}}', "unknown field 'spec.mounts[1].src'"),
        (b'{"spec":{"image":"","shm_size":"1m"}}', "spec.shm_size: expected a whole number or null, got text"),
        (b'{"spec":{"image":"a","kind":"vm"}}', "spec.kind: invalid enum value 'vm'"),
        (b'{"spec":{"image":"a","labels":[]}}', "spec.labels: expected an object, got a list"),
        (b'{"spec":{}}', "spec: object missing required field 'image'"),
        (b"[]", "the body: expected an object, got a list"),
        (b"", "the body is empty"),
        (b'{"spec":', "the body is not JSON: Input data was truncated"),
        (b"\xff", "the body is not JSON: JSON is malformed: invalid character (byte 0)"),
    ],
)  # fmt: skip
def test_decode_names_what_is_wrong(body: bytes, message: str) -> None:
    assert str(complaint(body, RunRequest)) == message


def test_decode_suggests_the_nearest_name() -> None:
    assert complaint(b'{"image":"a","comand":[]}', GuestSpec).hint == "did you mean 'command'?"
    assert complaint(b'{"xyzzy":1}', RestartPolicy).hint == "known are mode, max_retries"


def test_decode_says_not_utf8() -> None:
    assert str(complaint(b'{"image":"\xff"}', GuestSpec)).startswith("the body is not JSON")


texts = st.text(max_size=8)
specs = st.builds(
    GuestSpec,
    image=texts,
    command=st.lists(texts, max_size=3).map(tuple),
    entrypoint=st.none() | st.lists(texts, max_size=2).map(tuple),
    env=st.lists(texts, max_size=2).map(tuple),
    labels=st.dictionaries(texts, texts, max_size=2),
    tty=st.booleans(),
    mounts=st.lists(
        st.builds(Mount, st.sampled_from(MountType), texts, size=st.none() | st.integers(0)), max_size=2
    ).map(tuple),
    resources=st.builds(Resources, memory=st.none() | st.integers(0), cpus=st.none() | st.floats(0, 64)),
    stop_timeout=st.none() | st.floats(0, 100),
)


@given(specs)
def test_decode_undoes_encode(spec: GuestSpec) -> None:
    assert decode(msgspec.json.encode(spec), GuestSpec) == spec


@given(specs, st.sampled_from([field.name for field in dataclasses.fields(GuestSpec)]))
def test_decode_accepts_no_name_with_a_letter_more(spec: GuestSpec, name: str) -> None:
    raw = msgspec.to_builtins(spec)
    raw[name + "x"] = raw.pop(name)
    with pytest.raises(InvalidInput, match=f"unknown field '{name}x'"):
        decode(msgspec.json.encode(raw), GuestSpec)
