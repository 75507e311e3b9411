"""Whose files are whose: volumes, copies and ids are the same in a container and in a micro guest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from framework.instance import IMAGE, Instance

pytestmark = pytest.mark.root

KINDS = ("container", "micro")
USER = "1000:1001"

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def both(host: Instance) -> Callable[..., tuple[int, str]]:
    """Runs a script in a guest of each kind, which must agree; its exit code and output."""

    def run(script: str, *options: str) -> tuple[int, str]:
        told = [host.wirt("run", "--rm", "--kind", kind, *options, IMAGE, "sh", "-c", script) for kind in KINDS]
        assert (told[0].code, told[0].out) == (told[1].code, told[1].out), told
        return told[1].code, told[1].out

    return run


def test_a_users_files_in_a_volume_are_theirs(host: Instance, both: Run, tmp_path: Path) -> None:
    for kind in KINDS:
        (tmp_path / kind).mkdir()
        (tmp_path / kind).chmod(0o777)
        (tmp_path / kind / "roots").write_text("secret")
        (tmp_path / kind / "roots").chmod(0o600)
    script = "id -u; id -g; echo x >/d/new; stat -c '%u:%g %a' /d/new; cat /d/roots; chown 0 /d/new; echo $?"
    told = []
    for kind in KINDS:
        options = ("--rm", "--kind", kind, "-u", USER, "-v", f"{tmp_path / kind}:/d")
        told.append(host.wirt("run", *options, IMAGE, "sh", "-c", script).out)
        about = (tmp_path / kind / "new").stat()
        assert (about.st_uid, about.st_gid) == (1000, 1001)
    assert told[0] == told[1] == "1000\n1001\n1000:1001 644\n1\n"


def test_a_named_volume_belongs_to_root_until_it_is_given_away(host: Instance, both: Run) -> None:
    assert both("echo x 2>/dev/null >/d/new; echo $?; stat -c %u /d", "-u", USER, "-v", "given:/d") == (0, "1\n0\n")
    assert both("chown 1000:1001 /d", "-v", "given:/d") == (0, "")
    assert both("echo x >/d/new; stat -c %u:%g /d/new; rm /d/new", "-u", USER, "-v", "given:/d") == (0, "1000:1001\n")
    host.ok("volume", "rm", "given")


@pytest.mark.parametrize("kind", KINDS)
def test_copies_keep_or_give_up_their_owner(host: Instance, kind: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    guest = host.ok("run", "-d", "--kind", kind, "-u", USER, IMAGE, "sleep", "1000")
    try:
        host.ok("cp", str(tmp_path / "file"), f"{guest}:/tmp/in")
        assert host.ok("exec", guest, "stat", "-c", "%u:%g", "/tmp/in") == "0:0"
        host.ok("exec", guest, "sh", "-c", "echo x >/tmp/mine; chmod 640 /tmp/mine")
        host.ok("cp", "-a", f"{guest}:/tmp/mine", str(tmp_path / "out"))
        about = (tmp_path / "out").stat()
        assert (about.st_uid, about.st_gid, about.st_mode & 0o7777) == (1000, 1001, 0o640)
    finally:
        host.ok("rm", "-f", guest)


def test_the_highest_ids_are_ids_and_none_is_not(both: Run) -> None:
    assert both("id -u; id -g", "-u", "2147483647:2147483647") == (0, "2147483647\n2147483647\n")
    code, out = both("chown 4294967294:4294967294 /tmp; stat -c %u:%g /tmp; chown 4294967295 /tmp; stat -c %u /tmp")
    assert (code, out) == (0, "4294967294:4294967294\n4294967294\n")


@pytest.mark.parametrize("kind", KINDS)
def test_nobodys_id_is_refused(host: Instance, kind: str) -> None:
    done = host.wirt("run", "--rm", "--kind", kind, "-u", "4294967295", IMAGE, "true")
    assert (done.code, done.out) == (125, "")
    assert "4294967295" in done.err


def test_set_user_id_programs_gain_nothing_in_a_micro_guest(host: Instance) -> None:
    """They do in a container, unless it is asked for no-new-privileges."""
    script = "cp /bin/busybox /sh; chmod 4755 /sh; touch /made; sleep 1000"
    guest = host.ok("run", "-d", "--micro", IMAGE, "sh", "-c", script)
    try:
        assert host.ok("exec", guest, "sh", "-c", "until [ -e /made ]; do sleep 0.05; done; stat -c %a /sh") == "4755"
        assert host.ok("exec", "-u", USER, guest, "/sh", "-c", "id -u") == "1000"
        assert host.ok("exec", "-u", USER, guest, "grep", "NoNewPrivs", "/proc/self/status") == "NoNewPrivs:\t1"
    finally:
        host.ok("rm", "-f", guest)
