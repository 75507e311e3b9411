"""Guests from a user's side: what Docker's users know, through the real command line, daemon, keeper and runtime."""

from __future__ import annotations

import json
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.instance import PROGRAM, Instance
from wirt.host.mount import mounted_below

PATIENCE = 30.0


@pytest.fixture(autouse=True)
def _no_guests_stay(host: Instance) -> Iterator[None]:
    yield
    if guests := host.ok("ps", "-aq").split():
        host.ok("rm", "-f", "-v", *guests)


def until(host: Instance, wanted: str, *words: str) -> str:
    """Ask until the answer holds ``wanted``; for what nobody announces."""
    deadline = time.monotonic() + PATIENCE
    while wanted not in (said := host.wirt(*words).out):
        assert time.monotonic() < deadline, f"wirt {' '.join(words)} never said {wanted!r}, but {said!r}"
    return said


# -- run ---------------------------------------------------------------------------------------------------------------


def test_run_passes_output_errors_and_exit_code(host: Instance) -> None:
    done = host.wirt("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 42")
    assert (done.code, done.out, done.err) == (42, "out\n", "err\n")
    assert host.ok("ps", "-aq") == ""


def test_run_passes_input(host: Instance) -> None:
    assert host.ok("run", "--rm", "-i", "busybox", "tr", "a-z", "A-Z", text="hello\n") == "HELLO"


def test_run_passes_a_lot_of_input_and_output(host: Instance) -> None:
    text = "0123456789abcdef" * 200_000
    assert host.ok("run", "--rm", "-i", "busybox", "cat", text=text) == text


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("busybox", "no-such-program"), 127, "not found"),
        (("busybox", "/etc/passwd"), 126, "permission denied"),
        (("busybox", "/etc"), 126, ""),
        (("no-such-image",), 125, "no-such-image"),
        (("--memory", "lots", "busybox"), 125, "lots"),
        (("--no-such-flag", "busybox"), 125, "no-such-flag"),
        (("--network", "nowhere", "busybox"), 125, "nowhere"),
        (("-v", "relative/../..:/x", "busybox"), 125, ""),
        (("busybox", "sh", "-c", "kill -9 $$"), 137, ""),
        (("busybox", "sh", "-c", "kill -15 $$; sleep 9"), 143, ""),
    ],
)
def test_run_fails_with_dockers_codes_and_one_line(
    host: Instance, words: tuple[str, ...], code: int, says: str
) -> None:
    done = host.wirt("run", "--rm", "--init", *words) if "kill" in words[-1] else host.wirt("run", "--rm", *words)
    assert done.code == code, done.err
    assert says in done.err
    assert len(done.err.splitlines()) <= 3
    assert host.ok("ps", "-aq") == ""


def test_failed_start_leaves_a_created_guest_and_nothing_mounted(host: Instance) -> None:
    assert host.wirt("run", "--name", "g", "busybox", "no-such-program").code == 127
    assert host.ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "g") == "created 127"
    assert str(host.state) not in Path("/proc/self/mountinfo").read_text()


def test_run_detached_prints_the_id(host: Instance) -> None:
    guest = host.ok("run", "-d", "busybox", "sleep", "600")
    assert len(guest) == 64
    assert host.ok("ps", "-q", "--no-trunc") == guest


def test_name_is_taken_once(host: Instance) -> None:
    host.ok("run", "-d", "--name", "g", "busybox", "sleep", "600")
    done = host.wirt("run", "--name", "g", "busybox", "true")
    assert done.code == 125
    assert "name g is taken" in done.err


def test_rm_frees_the_name_at_once(host: Instance) -> None:
    for _ in range(5):
        host.ok("run", "--rm", "--name", "again", "busybox", "true")


def test_terminal_is_a_terminal(host: Instance) -> None:
    script = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
    words = [
        "python3",
        "-c",
        script,
        str(PROGRAM),
        "run",
        "--rm",
        "-it",
        "busybox",
        "sh",
        "-c",
        "tty; stty size; exit 3",
    ]
    done = subprocess.run(words, env=host.env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert "/dev/pts/0" in done.stdout


# -- what a guest is given ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "command", "expected"),
    [
        (("-e", "A=1", "-e", "B=two words"), "echo $A $B", "1 two words"),
        (("-w", "/some/where"), "pwd", "/some/where"),
        (("-u", "1000:1001"), "id -u; id -g", "1000\n1001"),
        (("--hostname", "named"), "hostname; cat /etc/hostname", "named\nnamed"),
        (("--entrypoint", "echo"), "x", "-c x"),
        (("--read-only",), "touch /x 2>&1 | grep -o Read-only", "Read-only"),
        (("--tmpfs", "/t:size=1m"), "df -k /t | tail -1 | awk '{print $2}'", "1024"),
        (("--ulimit", "nofile=100:200"), "ulimit -n; ulimit -Hn", "100\n200"),
        (("--cap-drop", "ALL"), "grep CapEff /proc/self/status", "CapEff:\t0000000000000000"),
        ((), "grep CapEff /proc/self/status", "CapEff:\t00000000a80425fb"),
        ((), "grep Seccomp: /proc/self/status", "Seccomp:\t2"),
        (("--security-opt", "seccomp=unconfined"), "grep Seccomp: /proc/self/status", "Seccomp:\t0"),
        (("--security-opt", "no-new-privileges"), "grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1"),
        (
            ("--dns", "192.0.2.1", "--dns-search", "x.test"),
            "cat /etc/resolv.conf",
            "nameserver 192.0.2.1\nsearch x.test",
        ),
        (("--add-host", "db:192.0.2.9"), "grep db /etc/hosts", "192.0.2.9 db"),
        (("--network", "none"), "ls /sys/class/net", "lo"),
    ],
)
def test_flag_reaches_the_guest(host: Instance, flags: tuple[str, ...], command: str, expected: str) -> None:
    words = ("-c", command) if "--entrypoint" in flags else ("sh", "-c", command)
    assert host.ok("run", "--rm", *flags, "busybox", *words) == expected


def test_init_reaps_and_passes_signals(host: Instance) -> None:
    first = host.ok("run", "--rm", "--init", "busybox", "sh", "-c", "tr '\\0' ' ' < /proc/1/cmdline")
    assert "init" in first.split()[0]
    host.ok(
        "run", "-d", "--init", "--name", "g", "busybox", "sh", "-c", "trap 'exit 5' TERM; while :; do sleep 0.1; done"
    )
    host.ok("stop", "g")
    assert host.ok("inspect", "-f", "{{.State.ExitCode}}", "g") in ("5", "143")


def test_memory_limit_kills_and_says_so(host: Instance) -> None:
    eat = "x=$(head -c 100000000 /dev/zero | tr '\\0' x); echo survived"
    host.wirt("run", "--name", "g", "--memory", "32m", "busybox", "sh", "-c", eat)
    assert host.ok("inspect", "-f", "{{.State.OOMKilled}}", "g") == "true"


def test_pids_limit_holds(host: Instance) -> None:
    forks = "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 5 & done; wait"
    done = host.wirt("run", "--rm", "--pids-limit", "5", "busybox", "sh", "-c", forks)
    assert "can't fork" in done.err


# -- verbs on a running guest ------------------------------------------------------------------------------------------


@pytest.fixture
def guest(host: Instance) -> str:
    host.ok(
        "run", "-d", "--name", "g", "busybox", "sh", "-c", "echo begun; trap 'exit 0' TERM; while :; do sleep 0.1; done"
    )
    until(host, "begun", "logs", "g")
    return "g"


def test_exec_output_input_code_user_and_environment(host: Instance, guest: str) -> None:
    assert host.ok("exec", guest, "echo", "hi") == "hi"
    assert host.ok("exec", "-i", guest, "cat", text="piped") == "piped"
    assert host.wirt("exec", guest, "sh", "-c", "exit 9").code == 9
    assert host.wirt("exec", guest, "no-such-program").code == 127
    assert (
        host.ok("exec", "-u", "7", "-e", "X=y", "-w", "/tmp", guest, "sh", "-c", "id -u; echo $X; pwd") == "7\ny\n/tmp"
    )
    assert host.wirt("exec", "nobody", "true").code == 125


def test_stop_is_graceful_then_not(host: Instance, guest: str) -> None:
    host.ok("stop", guest)
    assert host.ok("inspect", "-f", "{{.State.ExitCode}}", guest) == "0"
    host.ok("run", "-d", "--name", "deaf", "busybox", "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")
    host.ok("stop", "-t", "0", "deaf")
    assert host.ok("inspect", "-f", "{{.State.ExitCode}}", "deaf") == "137"


def test_start_again_keeps_what_was_written(host: Instance, guest: str) -> None:
    host.ok("exec", guest, "sh", "-c", "echo kept > /file")
    host.ok("restart", "-t", "1", guest)
    assert host.ok("exec", guest, "cat", "/file") == "kept"


def test_pause_holds_and_unpause_lets_go(host: Instance, guest: str) -> None:
    host.ok("pause", guest)
    assert host.ok("inspect", "-f", "{{.State.Paused}}", guest) == "true"
    assert "paused" in host.wirt("exec", guest, "true").err
    host.ok("unpause", guest)
    assert host.ok("exec", guest, "echo", "awake") == "awake"


def test_kill_by_signal(host: Instance, guest: str) -> None:
    host.ok("kill", "-s", "TERM", guest)
    assert host.ok("wait", guest) == "0"


def test_rename_top_stats_port_update(host: Instance, guest: str) -> None:
    host.ok("rename", guest, "other")
    assert "sleep" in host.ok("top", "other")
    stats = json.loads(host.ok("stats", "--no-stream", "--format", "json", "other").splitlines()[0])
    assert stats
    host.ok("update", "--memory", "64m", "--memory-swap", "-1", "other")
    assert host.ok("inspect", "-f", "{{.Config.Resources.Memory}}", "other") == str(64 << 20)


def test_diff_commit_export_cp(host: Instance, guest: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("from the host")
    host.ok("cp", str(tmp_path / "in"), f"{guest}:/in")
    assert host.ok("exec", guest, "cat", "/in") == "from the host"
    host.ok("exec", guest, "sh", "-c", "echo from the guest > /out; rm /etc/group")
    host.ok("cp", f"{guest}:/out", str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == "from the guest\n"
    assert {"A /in", "A /out", "D /etc/group"} <= set(host.ok("diff", guest).splitlines())
    host.ok("commit", "-c", 'CMD ["cat", "/out"]', guest, "mine:1")
    assert host.ok("run", "--rm", "mine:1") == "from the guest"
    assert host.wirt("run", "--rm", "mine:1", "cat", "/etc/group").code == 1
    host.ok("export", "-o", str(tmp_path / "root.tar"), guest)
    names = subprocess.run(["tar", "tf", tmp_path / "root.tar"], capture_output=True, text=True, check=True).stdout
    assert "in\n" in names
    host.ok("rmi", "-f", "mine:1")


def test_guest_in_anothers_ipc_shares_its_memory_until_the_last_of_them_ends(host: Instance) -> None:
    host.ok("run", "-d", "--name", "a", "--network", "none", "busybox", "sh", "-c", "echo a > /dev/shm/a; sleep 600")
    joined = ("--network", "none", "--ipc", "container:a")
    script = "until grep a /dev/shm/a; do sleep 0.01; done; echo b > /dev/shm/b; ls -i /proc/self/ns/ipc; sleep 600"
    host.ok("run", "-d", "--name", "b", *joined, "busybox", "sh", "-c", script)
    until(host, "ipc", "logs", "b")
    assert host.ok("exec", "a", "cat", "/dev/shm/b") == "b"
    host.ok("rm", "-f", "a")
    assert host.ok("exec", "b", "cat", "/dev/shm/a") == "a"
    host.ok("rm", "-f", "b")
    assert mounted_below(str(host.run)) == []
    assert "no such guest: a" in host.wirt("run", "--rm", *joined, "busybox", "true").err


def test_guest_in_the_hosts_ipc_has_its_memory(host: Instance, tmp_path: Path) -> None:
    file = Path("/dev/shm", f"wirt-{tmp_path.name}")
    file.write_text("of the host")
    try:
        assert host.ok("run", "--rm", "--ipc", "host", "busybox", "cat", str(file)) == "of the host"
        assert host.wirt("run", "--rm", "busybox", "cat", str(file)).code == 1
    finally:
        file.unlink()


def layer_names(archive: Path) -> set[str]:
    """What is in the topmost layer of the image in ``archive``."""
    with tarfile.open(archive) as whole:
        manifest = whole.extractfile("manifest.json")
        assert manifest
        layer = whole.extractfile(json.load(manifest)[0]["Layers"][-1])
        with tarfile.open(fileobj=layer) as files:
            return {name.removeprefix("./") for name in files.getnames()}


def test_commit_takes_what_diff_tells(host: Instance, tmp_path: Path) -> None:
    host.ok("run", "--name", "g", "-v", "/data", "busybox", "sh", "-c", "echo x > /data/file; touch /mine /etc/mine")
    assert host.ok("diff", "g").splitlines() == ["A /data", "C /etc", "A /etc/mine", "A /mine"]
    host.ok("commit", "g", "mine:2")
    host.ok("image", "save", "-o", str(tmp_path / "mine.tar"), "mine:2")
    assert layer_names(tmp_path / "mine.tar") == {".", "data", "etc", "etc/mine", "mine"}
    host.ok("rmi", "mine:2")


def test_commit_of_a_guest_that_never_ran_is_its_image_with_another_configuration(host: Instance) -> None:
    host.ok("create", "--name", "g", "busybox", "echo", "new")
    host.ok("commit", "g", "mine:3")
    assert host.ok("run", "--rm", "mine:3") == "new"
    host.ok("rmi", "mine:3")


def test_logs_tail_and_timestamps(host: Instance) -> None:
    host.ok("run", "--name", "g", "busybox", "sh", "-c", "echo one; echo three; echo two >&2")
    done = host.wirt("logs", "g")
    assert (done.out, done.err) == ("one\nthree\n", "two\n")
    host.ok("run", "--name", "h", "busybox", "sh", "-c", "echo one; echo three")
    assert host.wirt("logs", "--tail", "1", "h").out == "three\n"
    assert host.ok("logs", "-t", "--tail", "1", "h").endswith("Z three")


def test_logs_follow_ends_with_the_guest(host: Instance) -> None:
    host.ok("run", "-d", "--name", "g", "busybox", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.2; done")
    assert host.ok("logs", "-f", "g") == "1\n2\n3"


def test_attach_sees_what_comes(host: Instance) -> None:
    host.ok("run", "-d", "-i", "--name", "g", "busybox", "sh", "-c", "read x; echo got $x; exit 3")
    done = host.wirt("attach", "g", text="it\n")
    assert (done.code, done.out) == (3, "got it\n")


def test_remove_needs_force_while_running(host: Instance, guest: str) -> None:
    done = host.wirt("rm", guest)
    assert done.code != 0 and "stop" in done.err
    host.ok("rm", "-f", guest)
    assert host.ok("ps", "-aq") == ""


def test_filters_and_formats(host: Instance, guest: str) -> None:
    host.ok("create", "--name", "idle", "--label", "tier=gold", "busybox")
    assert host.ok("ps", "-a", "--filter", "label=tier=gold", "--format", "{{.Names}} {{.State}}") == "idle created"
    assert host.ok("ps", "--filter", "name=^g$", "-q") != ""
    assert json.loads(host.ok("ps", "--format", "json"))
    assert host.wirt("ps", "--filter", "colour=red").code != 0


# -- the daemon's watch ------------------------------------------------------------------------------------------------


def test_restart_policy_starts_again(host: Instance) -> None:
    host.ok("run", "-d", "--name", "g", "--restart", "on-failure:2", "busybox", "sh", "-c", "echo run; exit 1")
    until(host, "exited 2", "inspect", "-f", "{{.State.Status}} {{.RestartCount}}", "g")
    assert host.ok("logs", "g").split() == ["run"] * 3


def test_stopped_guest_stays_stopped_under_restart_always(host: Instance) -> None:
    host.ok("run", "-d", "--name", "g", "--restart", "always", "busybox", "sleep", "600")
    host.ok("stop", "-t", "0", "g")
    assert host.ok("inspect", "-f", "{{.State.Status}}", "g") == "exited"


def test_health_check_tells(host: Instance) -> None:
    check = ("--health-cmd", "test -e /ok", "--health-interval", "200ms", "--health-retries", "2")
    host.ok("run", "-d", "--name", "g", *check, "busybox", "sleep", "600")
    until(host, "unhealthy", "inspect", "-f", "{{.State.Health.Status}}", "g")
    host.ok("exec", "g", "touch", "/ok")
    until(host, "(healthy)", "ps", "--format", "{{.Status}}")


def test_events_tell_the_story(host: Instance) -> None:
    begin = str(time.time())
    host.ok("run", "--rm", "--name", "told", "busybox", "true")
    until(host, "destroy", "events", "--since", begin, "--until", str(time.time() + 0.5), "--filter", "guest=told")
    said = host.ok(
        "events", "--since", begin, "--until", str(time.time()), "--filter", "guest=told", "--format", "json"
    )
    assert [json.loads(line)["action"] for line in said.splitlines()] == ["create", "start", "die", "destroy"]


# -- volumes and networks ----------------------------------------------------------------------------------------------


def test_named_volume_outlives_its_guests(host: Instance) -> None:
    host.ok("run", "--rm", "-v", "data:/data", "busybox", "sh", "-c", "echo kept > /data/file")
    assert host.ok("run", "--rm", "-v", "data:/data:ro", "busybox", "cat", "/data/file") == "kept"
    assert host.wirt("run", "--rm", "-v", "data:/data:ro", "busybox", "touch", "/data/x").code == 1
    host.ok("create", "--name", "user", "-v", "data:/data", "busybox")
    assert "user" in host.wirt("volume", "rm", "data").err
    host.ok("rm", "user")
    host.ok("volume", "rm", "data")


def test_fresh_volume_gets_what_the_image_has(host: Instance) -> None:
    assert "passwd" in host.ok("run", "--rm", "-v", "copied:/etc", "busybox", "ls", "/etc")
    assert "passwd" in host.ok("run", "--rm", "-v", "copied:/x", "busybox", "ls", "/x")
    host.ok("volume", "rm", "copied")


def test_bind_mount_is_the_hosts_folder(host: Instance, tmp_path: Path) -> None:
    host.ok("run", "--rm", "-v", f"{tmp_path}:/b", "busybox", "sh", "-c", "echo there > /b/file")
    assert (tmp_path / "file").read_text() == "there\n"
    missing = ("--mount", f"type=bind,src={tmp_path}/missing,dst=/m")
    assert "does not exist" in host.wirt("run", "--rm", *missing, "busybox").err


def test_anonymous_volumes_go_with_rm(host: Instance) -> None:
    host.ok("run", "--rm", "-v", "/data", "busybox", "true")
    deadline = time.monotonic() + PATIENCE
    while host.ok("volume", "ls", "-q") and time.monotonic() < deadline:
        pass
    assert host.ok("volume", "ls", "-q") == ""


def test_guests_on_a_network_find_one_another_by_name(host: Instance) -> None:
    host.ok("network", "create", "net")
    host.ok("run", "-d", "--name", "server", "--network", "net", "--network-alias", "web", "busybox", "sleep", "600")
    for name in ("server", "web"):
        assert "1 packets received" in host.ok("run", "--rm", "--network", "net", "busybox", "ping", "-c1", "-W5", name)
    assert host.wirt("network", "rm", "net").code != 0
    host.ok("rm", "-f", "server")
    host.ok("network", "rm", "net")


def test_published_port_reaches_the_guest_and_is_taken_once(host: Instance) -> None:
    serve = "while :; do echo hello | nc -l -p 80; done"
    host.ok("run", "-d", "--name", "g", "-p", "127.0.0.1:0:80", "busybox", "sh", "-c", serve)
    address, port = host.ok("port", "g", "80").rsplit(":", 1)
    deadline = time.monotonic() + PATIENCE
    said = b""
    while said != b"hello\n":
        assert time.monotonic() < deadline
        try:
            with socket.create_connection((address, int(port)), timeout=5) as client:
                said = client.recv(100)
        except OSError:
            continue
    done = host.wirt("run", "--rm", "-p", f"127.0.0.1:{port}:80", "busybox", "true")
    assert done.code == 125 and port in done.err
    assert str(host.state) + "/guests/" not in done.err


def test_guest_shares_anothers_network(host: Instance) -> None:
    host.ok("run", "-d", "--name", "g", "busybox", "sleep", "600")
    mine = host.ok("exec", "g", "cat", "/proc/net/fib_trie")
    assert host.ok("run", "--rm", "--network", "container:g", "busybox", "cat", "/proc/net/fib_trie") == mine


def test_network_connect_and_disconnect_while_running(host: Instance) -> None:
    host.ok("network", "create", "second")
    host.ok("run", "-d", "--name", "g", "busybox", "sleep", "600")
    host.ok("network", "connect", "second", "g")
    assert "eth1" in host.ok("exec", "g", "ls", "/sys/class/net")
    host.ok("network", "disconnect", "second", "g")
    assert "eth1" not in host.ok("exec", "g", "ls", "/sys/class/net")
    host.ok("network", "rm", "second")
