"""The flag table against the vocabulary it writes: what ``run`` sends is a GuestSpec, field by field."""

from __future__ import annotations

import dataclasses
import importlib
import typing

import msgspec
import pytest

from wirt.cli import index
from wirt.cli.guest_flags import GUEST, LIMITS
from wirt.cli.guest_spec import IdFile, guest_spec
from wirt.cli.options import Flag, UsageError, parse
from wirt.cli.verbs.run import VERB
from wirt.client.wire import encode
from wirt.errors import Conflict
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


def spec(*argv: str) -> GuestSpec:
    call = parse(VERB, [*argv, "busybox", "ls", "-l"])
    return msgspec.json.decode(encode(guest_spec(call)), type=GuestSpec, strict=True)


def test_run_without_flags_asks_for_the_image_and_the_command() -> None:
    assert spec() == GuestSpec(image="busybox", command=("ls", "-l"))


CASES = {
    "-d -i -t --rm": {"open_stdin": True, "tty": True, "auto_remove": True},
    "--name web -h host --domainname d -u 1:2 -w /src": {
        "name": "web", "hostname": "host", "domainname": "d", "user": "1:2", "workdir": "/src",
    },
    "-e A=1 -e B=2 -l x=1 --label y": {"env": ("A=1", "B=2"), "labels": {"x": "1", "y": ""}},
    "--entrypoint /bin/sh": {"entrypoint": ("/bin/sh",)},
    "--entrypoint=": {"entrypoint": ()},
    "--memory 64m --memory-swap -1 --cpus 1.5 -c 512 --cpuset-cpus 0-1 --pids-limit 9": {
        "resources": Resources(
            memory=64 << 20, memory_swap=-1, cpus=1.5, cpu_shares=512, cpuset_cpus="0-1", pids_limit=9
        ),
    },
    "--read-only --tmpfs /t:size=1m -v data:/d -v /a:/b:ro --mount type=tmpfs,target=/u": {
        "read_only": True,
        "mounts": (
            Mount(MountType.VOLUME, "/d", "data"),
            Mount(MountType.BIND, "/b", "/a", read_only=True, create_source=True),
            Mount(MountType.TMPFS, "/u"),
            Mount(MountType.TMPFS, "/t", size=1 << 20),
        ),
    },
    "--cap-add net_admin --cap-drop ALL --security-opt no-new-privileges --privileged": {
        "cap_add": ("NET_ADMIN",), "cap_drop": ("ALL",), "security_opt": ("no-new-privileges",), "privileged": True,
    },
    "--ulimit nofile=1:2 --device /dev/a:/dev/b:r --sysctl net.x=1 --init --shm-size 1m": {
        "ulimits": (Ulimit("nofile", 1, 2),), "devices": (Device("/dev/a", "/dev/b", "r"),),
        "sysctls": {"net.x": "1"}, "init": True, "shm_size": 1 << 20,
    },
    "--restart on-failure:3": {"restart": RestartPolicy(RestartMode.ON_FAILURE, 3)},
    "--network none --network-alias db": {"network": "none", "network_aliases": ("db",)},
    "--net container:a": {"network": "container:a"},
    "-p 127.0.0.1:8080:80 -p 53/udp -P --expose 90 --dns 1.1.1.1 --add-host a:1.2.3.4 --ip 10.0.0.9": {
        "ports": (PortBinding(80, 8080, "tcp", "127.0.0.1"), PortBinding(53, 0, "udp", "")),
        "publish_all": True, "expose": ("90/tcp",), "dns": ("1.1.1.1",), "extra_hosts": ("a:1.2.3.4",),
        "ip": "10.0.0.9",
    },
    "--stop-signal HUP --stop-timeout 3": {"stop_signal": "HUP", "stop_timeout": 3.0},
    "--health-cmd true --health-interval 1m --health-retries 2": {
        "healthcheck": HealthCheck(("CMD-SHELL", "true"), interval=60.0, retries=2),
    },
    "--no-healthcheck": {"healthcheck": HealthCheck(("NONE",))},
    "--kind micro": {"kind": Kind.MICRO},
    "--vm": {"kind": Kind.MACHINE},
    "--pid host --ipc host --uts host --group-add audio --volumes-from a:ro": {
        "pid_mode": "host", "ipc_mode": "host", "uts_mode": "host", "group_add": ("audio",), "volumes_from": ("a:ro",),
    },
}  # fmt: skip


@pytest.mark.parametrize("line", CASES)
def test_run_s_flags_say_what_they_mean(line: str) -> None:
    assert spec(*line.split()) == GuestSpec(image="busybox", command=("ls", "-l"), **CASES[line])


def test_environment_file_comes_before_variables(tmp_path) -> None:
    (tmp_path / "env").write_text("A=file\nB=file\n")
    assert spec("-e", "A=flag", "--env-file", str(tmp_path / "env")).env == ("A=file", "B=file", "A=flag")


def test_conflicts_are_told() -> None:
    for argv in (["--rm", "--restart", "always"], ["--no-healthcheck", "--health-cmd", "true"]):
        with pytest.raises(UsageError, match="conflicts with"):
            guest_spec(parse(VERB, [*argv, "busybox"]))


def _leaf(kind: object, path: str) -> bool:
    """Whether ``path`` leads through dataclasses' fields."""
    for name in path.split("."):
        options = [kind, *typing.get_args(kind)]
        owner = next((each for each in options if dataclasses.is_dataclass(each)), None)
        if owner is None or name not in {field.name for field in dataclasses.fields(owner)}:
            return False
        kind = typing.get_type_hints(owner)[name]
    return True


@pytest.mark.parametrize("flag", GUEST, ids=lambda flag: flag.name)
def test_every_flag_of_a_guest_has_a_place_in_its_spec(flag: Flag) -> None:
    assert _leaf(GuestSpec, flag.field) or flag.name == "cidfile"


def test_every_field_of_a_spec_can_be_said() -> None:
    said = {flag.field.split(".")[0] for flag in GUEST} | {"image", "command", "snapshot"}  # the last by `restore`
    assert {field.name for field in dataclasses.fields(GuestSpec)} - said == set()
    assert {field.name for field in dataclasses.fields(Resources)} == {flag.field for flag in LIMITS}


@pytest.mark.parametrize("words", index.all_verbs())
def test_every_flag_s_reader_exists(words: str) -> None:
    for flag in index.load(words).VERB.flags:
        if flag.kind not in ("switch", "text"):
            module, _, name = flag.kind.partition(".")
            assert callable(getattr(importlib.import_module(f"wirt.cli.values.{module}"), name))


@pytest.mark.parametrize("words", index.all_verbs())
def test_no_verb_has_two_flags_of_one_name(words: str) -> None:
    flags = index.load(words).VERB.flags
    names = [flag.name for flag in flags] + [flag.short for flag in flags if flag.short]
    assert sorted(names) == sorted(set(names))


def test_id_file_is_kept_with_an_id_and_gone_without(tmp_path) -> None:
    path = tmp_path / "id"
    with IdFile(str(path)):
        assert path.exists()
    assert not path.exists()
    with IdFile(str(path)) as file:
        file.write("abc")
    assert path.read_text() == "abc"
    with pytest.raises(Conflict, match="is there already"), IdFile(str(path)):
        pass
    assert path.read_text() == "abc"
