"""Which capabilities a guest is given."""

from __future__ import annotations

import pytest

from wirt import errors
from wirt.abi.linux.capability import CAPABILITIES
from wirt.kinds import capabilities
from wirt.kinds.capabilities import DEFAULT, granted

DOCKERS_DEFAULT_MASK = 0xA80425FB


def mask(names: tuple[str, ...]) -> int:
    return sum(1 << CAPABILITIES.index(name) for name in names)


@pytest.mark.usefixtures("every_capability")
def test_default_is_dockers() -> None:
    assert mask(granted((), (), privileged=False)) == DOCKERS_DEFAULT_MASK


@pytest.mark.usefixtures("every_capability")
def test_added_and_dropped_by_any_spelling() -> None:
    names = granted(("sys_admin", "CAP_NET_ADMIN"), ("Chown", "cap_kill"), privileged=False)
    assert set(names) == set(DEFAULT) - {"CAP_CHOWN", "CAP_KILL"} | {"CAP_SYS_ADMIN", "CAP_NET_ADMIN"}


@pytest.mark.usefixtures("every_capability")
def test_adding_what_is_there_gives_it_once() -> None:
    assert granted(("CHOWN",), (), privileged=False).count("CAP_CHOWN") == 1


@pytest.mark.usefixtures("every_capability")
def test_all_added_is_all_but_the_dropped() -> None:
    assert set(granted(("all",), ("SYS_ADMIN",), privileged=False)) == set(CAPABILITIES) - {"CAP_SYS_ADMIN"}


@pytest.mark.usefixtures("every_capability")
def test_all_dropped_is_only_the_added() -> None:
    assert granted(("CHOWN",), ("ALL",), privileged=False) == ("CAP_CHOWN",)
    assert granted((), ("ALL",), privileged=False) == ()


@pytest.mark.usefixtures("every_capability")
def test_privileged_is_everything_whatever_is_dropped() -> None:
    assert granted((), ("ALL",), privileged=True) == CAPABILITIES


@pytest.mark.parametrize("flag", ["add", "drop"])
def test_unknown_name_is_refused(flag: str) -> None:
    with pytest.raises(errors.InvalidInput, match=rf"--cap-{flag}: unknown capability CAP_FLY"):
        granted(("fly",) if flag == "add" else (), ("fly",) if flag == "drop" else (), privileged=False)


def test_nobody_gives_what_he_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    have = tuple(name for name in CAPABILITIES if name not in ("CAP_SYS_RESOURCE", "CAP_MKNOD"))
    monkeypatch.setattr(capabilities, "available", lambda: have)
    assert granted((), (), privileged=True) == have
    assert set(granted(("ALL",), (), privileged=False)) == set(have)
    assert "CAP_MKNOD" not in granted((), (), privileged=False)
    assert "CAP_MKNOD" not in granted((), ("SYS_RESOURCE",), privileged=False)  # dropping it is no error
    with pytest.raises(errors.InvalidInput, match="CAP_SYS_RESOURCE is not available here"):
        granted(("SYS_RESOURCE",), (), privileged=False)


def test_available_is_what_this_process_holds() -> None:
    assert set(capabilities.available()) <= set(CAPABILITIES)
