from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt.cli.values import network, program, scalars, storage


@pytest.mark.parametrize(
    ("text", "size"),
    [
        *(("0", 0), ("1024", 1024), ("64m", 64 << 20), ("64M", 64 << 20), ("1.5g", 3 << 29), ("2GiB", 2 << 30)),
        *(("10kb", 10240), ("7b", 7), ("1t", 1 << 40), ("0.5k", 512), ("64Mi", 64 << 20)),
    ],
)
def test_size_counts_in_powers_of_1024(text: str, size: int) -> None:
    assert scalars.size(text) == size


@pytest.mark.parametrize("text", ["", "m", "x", "3x", "-1", "1e30", "1mm", "nan", "inf", "64mx", "64ii"])
def test_size_refuses_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        scalars.size(text)


@given(st.text(max_size=8))
def test_readers_raise_nothing_but_value_errors(text: str) -> None:
    for reader in (
        scalars.size, scalars.duration, scalars.moment, scalars.tail, scalars.number, scalars.label, scalars.pair,
        program.ulimit, program.device, program.restart, program.sysctl, network.publish, network.expose,
        network.extra_host, storage.volume, storage.mount, storage.tmpfs,
    ):  # fmt: skip
        try:
            reader(text)
        except ValueError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("1m30s", 90), ("500ms", 0.5), ("1.5h", 5400), ("0", 0), ("45", 45), ("2d", 172800), ("100us", 1e-4)],
)
def test_duration_takes_units(text: str, seconds: float) -> None:
    assert scalars.duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "1x", "-1s", "1m30", "..s", "1.2.3s", "1s-"])
def test_duration_refuses_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        scalars.duration(text)


def test_moment_takes_ages_dates_and_unix_times() -> None:
    assert scalars.moment("10m") == pytest.approx(time.time() - 600, abs=5)
    assert scalars.moment("1700000000.5") == 1700000000.5
    assert scalars.moment("2023-11-14T22:13:20Z") == 1700000000
    assert scalars.moment("2023-11-14T23:13:20+01:00") == 1700000000
    with pytest.raises(ValueError, match="not a time"):
        scalars.moment("yesterday")


def test_small_readers_read_what_docker_writes() -> None:
    assert (scalars.tail("all"), scalars.tail("-1"), scalars.tail("20")) == (None, None, 20)
    assert (scalars.swap("-1"), scalars.swap("1k")) == (-1, 1024)
    assert (scalars.pids("0"), scalars.pids("-1"), scalars.pids("9")) == (-1, -1, 9)
    assert program.capability("cap_net_admin") == "NET_ADMIN"
    assert (program.entrypoint(""), program.entrypoint("/bin/sh")) == ([], ["/bin/sh"])
    assert network.extra_host("db:10.0.0.1") == network.extra_host("db=10.0.0.1") == "db:10.0.0.1"
    assert network.extra_host("db:[::1]") == "db:::1"


def test_environment_passes_ours_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "value with = sign")
    monkeypatch.delenv("NOT_OURS", raising=False)
    assert program.environment("OURS") == ["OURS=value with = sign"]
    assert program.environment("NOT_OURS") == []
    assert program.environment("EMPTY=") == ["EMPTY="]
    with pytest.raises(ValueError, match="needs a name"):
        program.environment("=x")


def test_environment_file_is_read_line_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "1")
    file = tmp_path / "env"
    file.write_text("\ufeff# a comment\n\nA=1\n  B= two \nOURS\nC=#not a comment\n")
    assert program.environment_file(str(file)) == ["A=1", "B= two ", "OURS=1", "C=#not a comment"]
    file.write_text("fine=1\nnot fine=1\n")
    with pytest.raises(ValueError, match="line 2: 'not fine=1' is no variable"):
        program.environment_file(str(file))
    with pytest.raises(ValueError, match="No such file"):
        program.environment_file(str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("text", "soft", "hard"),
    [("nofile=1024:2048", 1024, 2048), ("nproc=5", 5, 5), ("core=-1", -1, -1), ("memlock=0:unlimited", 0, -1)],
)
def test_ulimit_has_two_limits(text: str, soft: int, hard: int) -> None:
    assert program.ulimit(text) == {"name": text.partition("=")[0], "soft": soft, "hard": hard}


@pytest.mark.parametrize("text", ["nofile", "files=3", "nofile=x", "nofile=5:3", "nofile=-1:3", "nofile=1:2:3"])
def test_ulimit_refuses_what_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        program.ulimit(text)


@pytest.mark.parametrize(
    ("text", "host", "guest", "permissions"),
    [
        ("/dev/fuse", "/dev/fuse", "/dev/fuse", "rwm"),
        ("/dev/a:/dev/b", "/dev/a", "/dev/b", "rwm"),
        ("/dev/a:/dev/b:r", "/dev/a", "/dev/b", "r"),
        ("/dev/a:rw", "/dev/a", "/dev/a", "rw"),
    ],
)
def test_device_has_two_names_and_rights(text: str, host: str, guest: str, permissions: str) -> None:
    assert program.device(text) == {"host_path": host, "guest_path": guest, "permissions": permissions}


@pytest.mark.parametrize("text", ["fuse", "/dev/a:/dev/b:x", "/dev/a:/dev/b:/dev/c", "/dev/a:", "/dev/a:/dev/b:rw:m"])
def test_device_refuses_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="write /dev"):
        program.device(text)


def test_restart_policies() -> None:
    assert program.restart("always") == {"mode": "always", "max_retries": 0}
    assert program.restart("on-failure:3") == {"mode": "on-failure", "max_retries": 3}
    for text in ("sometimes", "always:3", "on-failure:", "on-failure:x"):
        with pytest.raises(ValueError):
            program.restart(text)


def test_security_option_brings_the_seccomp_profile_along(tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text('{ "defaultAction": "SCMP_ACT_ALLOW" }')
    assert json.loads(program.security_option(f"seccomp={file}").removeprefix("seccomp=")) == {
        "defaultAction": "SCMP_ACT_ALLOW"
    }
    for text in ("seccomp=unconfined", "no-new-privileges", "no-new-privileges:true", "apparmor=x", 'seccomp={"a":1}'):
        assert program.security_option(text) == text
    file.write_text("{")
    for text, message in ((f"seccomp={file}", "is not JSON"), ("seccomp=/none", "No such file")):
        with pytest.raises(ValueError, match=message):
            program.security_option(text)


def ports(text: str) -> list[tuple[str, int, int, str]]:
    found = network.publish(text)
    return [(port["host_ip"], port["host_port"], port["guest_port"], port["protocol"]) for port in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", [("", 0, 80, "tcp")]),
        ("8080:80", [("", 8080, 80, "tcp")]),
        ("0:80", [("", 0, 80, "tcp")]),
        ("53:53/udp", [("", 53, 53, "udp")]),
        ("127.0.0.1:8080:80", [("127.0.0.1", 8080, 80, "tcp")]),
        ("127.0.0.1::80", [("127.0.0.1", 0, 80, "tcp")]),
        ("[::1]:8080:80", [("::1", 8080, 80, "tcp")]),
        ("[::1]::80/UDP", [("::1", 0, 80, "udp")]),
        ("8000-8002:80-82", [("", 8000 + i, 80 + i, "tcp") for i in range(3)]),
        ("80-81", [("", 0, 80, "tcp"), ("", 0, 81, "tcp")]),
    ],
)
def test_publish_opens_what_was_asked_for(text: str, expected: list[tuple[str, int, int, str]]) -> None:
    assert ports(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "x", "0", "65536", "80:", ":80:", "90-80", "8000-8001:80", "80/xxx", "1.2.3:80:80", "[::1:80:80", "[::1]80",
     "127.0.0.1:80", "a.b:1:2"],
)  # fmt: skip
def test_publish_refuses_what_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        network.publish(text)


def test_expose_takes_ranges() -> None:
    assert network.expose("80") == ["80/tcp"]
    assert network.expose("80-81/udp") == ["80/udp", "81/udp"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/data", {"type": "volume", "target": "/data"}),
        ("data:/data", {"type": "volume", "source": "data", "target": "/data"}),
        ("a:/b:ro,nocopy", {"type": "volume", "source": "a", "target": "/b", "read_only": True, "no_copy": True}),
        ("/a:/b", {"type": "bind", "source": "/a", "target": "/b", "create_source": True}),
        ("/a/../c:/b:rw", {"type": "bind", "source": "/c", "target": "/b", "create_source": True, "read_only": False}),
        ("/a:/b:rshared,z",
         {"type": "bind", "source": "/a", "target": "/b", "create_source": True, "propagation": "rshared"}),
    ],
)  # fmt: skip
def test_volume_is_a_path_or_a_name(text: str, expected: dict[str, object]) -> None:
    assert storage.volume(text) == expected


def test_volume_source_may_be_relative(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert storage.volume("./a:/b")["source"] == f"{tmp_path}/a"
    assert storage.volume(".:/b")["source"] == str(tmp_path)
    assert storage.volume("~/a:/b")["source"] == "/home/me/a"


@pytest.mark.parametrize("text", ["", ":", "a:b", "a:/b:c:d", "/a:/", "/a:/b:xx", "a::ro", "/a:/."])
def test_volume_refuses_what_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        storage.volume(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("type=bind,source=/a,target=/b,readonly", {"type": "bind", "source": "/a", "target": "/b", "read_only": True}),
        ("type=bind,src=/a,dst=/b,ro=false,bind-propagation=rslave",
         {"type": "bind", "source": "/a", "target": "/b", "read_only": False, "propagation": "rslave"}),
        ("src=d,destination=/b,volume-nocopy", {"type": "volume", "source": "d", "target": "/b", "no_copy": True}),
        ("type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1777",
         {"type": "tmpfs", "target": "/t", "size": 1 << 20, "mode": 0o1777}),
        ('type=bind,"source=/a,b",target=/b', {"type": "bind", "source": "/a,b", "target": "/b"}),
    ],
)  # fmt: skip
def test_mount_spells_it_out(text: str, expected: dict[str, object]) -> None:
    assert storage.mount(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "type=bind", "type=x,target=/b", "type=bind,target=/b", "type=tmpfs,source=x,target=/b", "target=b", "what=1",
     "type=bind,source=/a,target=/b,tmpfs-size=1m", "type=tmpfs,target=/t,tmpfs-mode=9", "target=/b,ro=maybe"],
)  # fmt: skip
def test_mount_refuses_what_makes_no_sense(text: str) -> None:
    with pytest.raises(ValueError):
        storage.mount(text)


def test_tmpfs_takes_size_and_mode_apart() -> None:
    assert storage.tmpfs("/t") == {"type": "tmpfs", "target": "/t"}
    assert storage.tmpfs("/t:size=64m,mode=755,noexec,rw") == {
        "type": "tmpfs", "target": "/t", "size": 64 << 20, "mode": 0o755, "options": ["noexec"],
    }  # fmt: skip
