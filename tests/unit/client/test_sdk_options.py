from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from wirt.client.sdk.options import GuestOptions, guest_spec, guest_update, parse_size
from wirt.errors import InvalidInput
from wirt.model.guest import (
    Device,
    GuestSpec,
    HealthCheck,
    Kind,
    Mount,
    MountType,
    PortBinding,
    Resources,
    RestartMode,
    RestartPolicy,
    Ulimit,
)


@pytest.mark.parametrize(
    ("size", "count"),
    [
        (5, 5), ("5", 5), ("64m", 64 << 20), ("1.5g", 3 << 29), ("1 KiB", 1024), ("2GB", 2 << 30), ("-1", -1),
    ],
)  # fmt: skip
def test_sizes_are_read_as_people_write_them(size: int | str, count: int) -> None:
    assert parse_size(size) == count


@pytest.mark.parametrize("size", ["", "much", "1x", "m", "1.2.3m"])
def test_sizes_that_are_none_are_refused(size: str) -> None:
    with pytest.raises(InvalidInput, match="is no size"):
        parse_size(size)


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"memory": "64m", "cpus": 1.5}, {"resources": Resources(memory=64 << 20, cpus=1.5)}),
        ({"env": {"A": "1", "B": "x=y"}}, {"env": ("A=1", "B=x=y")}),
        ({"env": ["A=1"]}, {"env": ("A=1",)}),
        ({"ports": {"8080": 80}}, {"ports": (PortBinding(80, 8080),)}),
        ({"ports": {"[::1]:53": "53/udp", 0: 443}}, {"ports": (PortBinding(53, 53, "udp", "::1"), PortBinding(443))}),
        (
            {"volumes": {"/src": "/dst", "data": "/d:ro"}, "tmpfs": ["/tmp"]},
            {
                "mounts": (
                    Mount(MountType.BIND, "/dst", "/src", create_source=True),
                    Mount(MountType.VOLUME, "/d", "data", read_only=True),
                    Mount(MountType.TMPFS, "/tmp"),
                )
            },
        ),
        ({"kind": "micro"}, {"kind": Kind.MICRO}),
        ({"entrypoint": "sh -c"}, {"entrypoint": ("sh", "-c")}),
        ({"entrypoint": ""}, {"entrypoint": ()}),
        ({"restart": "on-failure:3"}, {"restart": RestartPolicy(RestartMode.ON_FAILURE, 3)}),
        ({"ulimits": {"nofile": 9, "core": (0, -1)}}, {"ulimits": (Ulimit("nofile", 9, 9), Ulimit("core", 0, -1))}),
        ({"devices": ["/dev/a"]}, {"devices": (Device("/dev/a", "/dev/a"),)}),
        ({"devices": ["/dev/b:/dev/c:r"]}, {"devices": (Device("/dev/b", "/dev/c", "r"),)}),
        ({"extra_hosts": {"db": "10.0.0.1"}}, {"extra_hosts": ("db:10.0.0.1",)}),
        ({"healthcheck": "test -e /up"}, {"healthcheck": HealthCheck(("CMD-SHELL", "test -e /up"))}),
        ({"labels": {"a": "b"}, "cap_add": ["SYS_TIME"]}, {"labels": {"a": "b"}, "cap_add": ("SYS_TIME",)}),
        ({"shm_size": "1m", "tty": True}, {"shm_size": 1 << 20, "tty": True}),
    ],
)  # fmt: skip
def test_options_become_a_spec(options: dict[str, Any], fields: dict[str, Any]) -> None:
    assert guest_spec("image", ["ls"], options) == GuestSpec("image", ("ls",), **fields)


def test_a_command_may_be_a_line() -> None:
    assert guest_spec("image", "sh -c 'echo hi'", {}).command == ("sh", "-c", "echo hi")


@pytest.mark.parametrize(
    "options",
    [{"ports": {"http": 80}}, {"volumes": {"a": "/b:rx"}}, {"restart": "often"}, {"memory": "lots"}],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        guest_spec("image", (), options)


def test_an_unknown_option_is_a_type_error_with_a_suggestion() -> None:
    with pytest.raises(TypeError, match="there is no option 'memry'; did you mean 'memory'"):
        guest_spec("image", (), {"memry": 1})
    with pytest.raises(TypeError, match="there is no option 'name'"):
        guest_update({"name": "x"})


def test_every_field_of_a_spec_can_be_set() -> None:
    fields = {field.name for kind in (GuestSpec, Resources) for field in dataclasses.fields(kind)}
    assert fields - {"image", "command", "resources"} <= set(GuestOptions.__annotations__)


def test_an_update_names_only_what_changes() -> None:
    update = guest_update({"memory": "1m", "restart": "always"})
    assert (update.memory, update.cpus, update.restart) == (1 << 20, None, RestartPolicy(RestartMode.ALWAYS))
