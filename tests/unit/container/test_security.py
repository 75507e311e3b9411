"""``--security-opt``."""

from __future__ import annotations

import pytest

from wirt import errors
from wirt.container.security import SecurityOptions, parse


def test_nothing_asked_is_the_defaults() -> None:
    assert parse(()) == SecurityOptions()


@pytest.mark.parametrize(
    ("option", "members"),
    [
        ("no-new-privileges", {"no_new_privileges": True}),
        ("no-new-privileges=true", {"no_new_privileges": True}),
        ("no-new-privileges:true", {"no_new_privileges": True}),
        ("no-new-privileges=false", {}),
        ("seccomp=unconfined", {"seccomp": "unconfined"}),
        ("seccomp:unconfined", {"seccomp": "unconfined"}),
        ("seccomp=builtin", {}),
        ("seccomp=/a=b.json", {"seccomp": "/a=b.json"}),
        ('seccomp={"defaultAction": "SCMP_ACT_ALLOW"}', {"seccomp": '{"defaultAction": "SCMP_ACT_ALLOW"}'}),
        ("apparmor=mine", {"apparmor": "mine"}),
        ("systempaths=unconfined", {"system_paths": False}),
    ],
)
def test_option_is_understood(option: str, members: dict[str, object]) -> None:
    assert parse((option,)) == SecurityOptions(**members)  # type: ignore[arg-type]


def test_label_is_ignored_aloud() -> None:
    [note] = parse(("label=type:container_t",)).notes
    assert "label=type:container_t has no effect" in note


def test_the_last_one_counts() -> None:
    assert parse(("no-new-privileges", "no-new-privileges=false")) == SecurityOptions()


@pytest.mark.parametrize("option", ["", "foo", "foo=bar", "seccomp", "systempaths=confined", "no-new-privileges=maybe"])
def test_nonsense_is_refused(option: str) -> None:
    with pytest.raises(errors.InvalidInput, match="no such option"):
        parse((option,))
