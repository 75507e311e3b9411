"""Image names: the grammar and the defaults."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt.errors import InvalidInput
from wirt.image.reference import Reference, is_digest, parse

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "full", "familiar"),
    [
        ("busybox", "docker.io/library/busybox", "busybox"),
        ("busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"),
        ("user/app", "docker.io/user/app", "user/app"),
        ("docker.io/busybox", "docker.io/library/busybox", "busybox"),
        ("index.docker.io/library/busybox", "docker.io/library/busybox", "busybox"),
        ("localhost/app:v1", "localhost/app:v1", "localhost/app:v1"),
        ("localhost:5000/a/b/c", "localhost:5000/a/b/c", "localhost:5000/a/b/c"),
        ("Host/app", "Host/app", "Host/app"),
        ("[::1]:5000/app:x", "[::1]:5000/app:x", "[::1]:5000/app:x"),
        ("example.org/a__b/c---d.e:T_a.g-1", "example.org/a__b/c---d.e:T_a.g-1", "example.org/a__b/c---d.e:T_a.g-1"),
        (f"busybox@{DIGEST}", f"docker.io/library/busybox@{DIGEST}", f"busybox@{DIGEST}"),
        (f"busybox:1@{DIGEST}", f"docker.io/library/busybox:1@{DIGEST}", f"busybox:1@{DIGEST}"),
        ("abc:5000", "docker.io/library/abc:5000", "abc:5000"),
    ],
)
def test_parse_fills_in_what_people_leave_out(text: str, full: str, familiar: str) -> None:
    assert str(parse(text)) == full
    assert parse(text).familiar == familiar


@pytest.mark.parametrize(
    "text",
    ["", " ", "Busybox", "user/App", "a//b", "/a", "a/", "a:", ":a", "a@", "a:b:c", "a b", "a\n", "-a", "a_", "a..b",
     "a:-tag", "a:" + "t" * 129, "a@sha256:1234", "a@md5:" + "0" * 32, "é", "a:é", "a/../b", "example.org:port/a",
     "f" * 64, "n" * 300, "docker.io/", "-host.org/a"],
)  # fmt: skip
def test_parse_refuses_what_is_no_name(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(text)
    assert str(caught.value).isprintable()
    assert caught.value.hint


def test_tagged_adds_latest_only_where_nothing_is_said() -> None:
    assert parse("a").tagged().tag == "latest"
    assert parse("a:b").tagged().tag == "b"
    assert parse(f"a@{DIGEST}").tagged().tag == ""


_components = st.from_regex(r"[a-z0-9]+([._-][a-z0-9]+){0,2}", fullmatch=True)
_domains = st.from_regex(r"[a-z][a-z0-9]*(\.[a-z][a-z0-9]*){1,2}(:[0-9]{1,5})?", fullmatch=True)


@given(
    domain=_domains | st.sampled_from(["localhost", "docker.io"]),
    path=st.lists(_components | st.sampled_from(["localhost", "library"]), min_size=2, max_size=4),
    tag=st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True) | st.just(""),
    digest=st.sampled_from(["", DIGEST]),
)
def test_parse_undoes_both_ways_of_writing(domain: str, path: list[str], tag: str, digest: str) -> None:
    reference = Reference(domain, "/".join(path), tag, digest)
    assert parse(str(reference)) == reference
    assert parse(reference.familiar) == reference


@given(st.text(max_size=80))
def test_parse_answers_any_text_with_a_reference_or_an_error(text: str) -> None:
    try:
        reference = parse(text)
    except InvalidInput as error:
        assert str(error).isprintable()
    else:
        assert parse(str(reference)) == reference


def test_is_digest_takes_sha256_only() -> None:
    assert is_digest(DIGEST)
    assert not is_digest(DIGEST[:-1])
    assert not is_digest(DIGEST + "\n")
    assert not is_digest("ab" * 32)
