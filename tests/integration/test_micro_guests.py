"""Micro guests through the command line: every verb that a container has."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.instance import IMAGE, Instance
from framework.waiting import eventually, fetch

pytestmark = pytest.mark.root

KIND = "--micro"


@pytest.fixture
def guest(host: Instance) -> Iterator[str]:
    """A micro guest that waits."""
    yield host.ok("run", "-d", KIND, "-e", "COLOUR=red", "--hostname", "inside", IMAGE, "sleep", "1000")
    for left in host.ok("ps", "-aq").split():
        host.ok("rm", "-f", left)


def run(host: Instance, *words: str, text: str = "") -> tuple[int, str, str]:
    done = host.wirt("run", "--rm", KIND, *words, text=text)
    return done.code, done.out, done.err


# -- run -----------------------------------------------------------------------------------------------


def test_run_passes_output_input_and_code(host: Instance) -> None:
    assert run(host, IMAGE, "sh", "-c", "echo out; echo err >&2; exit 7") == (7, "out\n", "err\n")
    assert run(host, "-i", IMAGE, "cat", text="typed\n") == (0, "typed\n", "")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nothing",), 127, 'exec: "nothing": executable file not found in $PATH'),
        (("/bin/nothing",), 127, 'exec: "/bin/nothing": stat /bin/nothing: no such file or directory'),
        (("/etc",), 126, 'exec: "/etc": is a directory'),
        (("/etc/passwd",), 126, 'exec: "/etc/passwd": permission denied'),
    ],
)
def test_starts_fail_as_containers_do(host: Instance, words: tuple[str, ...], code: int, said: str) -> None:
    assert run(host, IMAGE, *words) == (code, "", f"wirt: {said}\n")


def test_program_is_the_first_process_of_its_own_world(host: Instance) -> None:
    code, out, err = run(
        host, "--hostname", "cell", IMAGE, "sh", "-c", "echo $$; hostname; ls /dev/pts /proc/1 | head -1"
    )
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == ["1", "cell"]


def test_user_folder_and_environment(host: Instance) -> None:
    words = ("-u", "7:8", "-w", "/srv/new", "-e", "A=b", IMAGE, "sh", "-c", "id -u; id -g; pwd; echo $A")
    assert run(host, *words) == (0, "7\n8\n/srv/new\nb\n", "")
    code, _, err = run(host, "-u", "nobody-there", IMAGE, "true")
    assert code == 125
    assert "unable to find user nobody-there" in err


def test_read_only_root_and_a_temporary_folder(host: Instance) -> None:
    code, _, err = run(host, "--read-only", IMAGE, "sh", "-c", "echo x > /new")
    assert code != 0
    assert "Read-only" in err
    assert run(host, "--read-only", "--tmpfs", "/t", IMAGE, "sh", "-c", "echo x > /t/new && cat /t/new") == (
        0,
        "x\n",
        "",
    )


def test_volumes_and_binds_are_shared_with_the_host(host: Instance, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("from the host\n")
    script = "cat /b/in; echo from the guest > /b/out"
    assert run(host, "-v", f"{tmp_path}:/b", IMAGE, "sh", "-c", script) == (0, "from the host\n", "")
    assert (tmp_path / "out").read_text() == "from the guest\n"
    assert run(host, "-v", "kept:/v", IMAGE, "sh", "-c", "echo kept > /v/f")[0] == 0
    assert run(host, "-v", "kept:/v:ro", IMAGE, "sh", "-c", "cat /v/f; echo x > /v/f")[1] == "kept\n"
    host.ok("volume", "rm", "kept")


def test_what_needs_the_hosts_kernel_is_refused(host: Instance) -> None:
    for flag in (("--privileged",), ("--pid", "host"), ("--device", "/dev/null")):
        code, _, err = run(host, *flag, IMAGE, "true")
        assert code == 125
        assert "use --kind container" in err


def test_terminal_is_one(host: Instance) -> None:
    guest = host.ok("run", "-dt", KIND, IMAGE, "sh", "-c", "tty; stty size; sleep 1000")
    try:
        assert eventually(lambda: "/dev/pts/0" in host.ok("logs", guest))
    finally:
        host.ok("rm", "-f", guest)


# -- verbs on a guest that runs ------------------------------------------------------------------------


def test_exec_is_in_the_same_namespaces(host: Instance, guest: str) -> None:
    assert host.ok("exec", guest, "sh", "-c", "hostname; echo $COLOUR; echo made > /made") == "inside\nred"
    assert host.ok("exec", "-u", "7", "-w", "/tmp", guest, "sh", "-c", "id -u; pwd; cat /made") == "7\n/tmp\nmade"
    lost = host.wirt("exec", "-w", "/lost", guest, "pwd")
    assert (lost.code, 'the working directory "/lost" cannot be entered' in lost.err) == (126, True)
    assert host.wirt("exec", guest, "ls", "/lost").code == 1, "no folder was made"
    assert host.wirt("exec", guest, "sh", "-c", "exit 9").code == 9
    assert host.wirt("exec", guest, "nothing").code == 127
    assert host.wirt("exec", "-i", guest, "cat", text="typed").out == "typed"
    assert host.ok("exec", guest, "sh", "-c", "kill -0 1 && echo seen") == "seen"


def test_signals_end_it_with_dockers_codes(host: Instance, guest: str) -> None:
    host.ok("kill", guest)
    assert host.ok("wait", guest) == "137"
    host.ok("start", guest)
    host.ok("stop", "-t", "1", guest)
    assert host.ok("inspect", "-f", "{{.State.ExitCode}}", guest) in ("137", "143")


def test_stop_lets_the_program_end_by_itself(host: Instance) -> None:
    script = "trap 'echo told; exit 3' TERM; echo ready; while true; do sleep 0.1; done"
    guest = host.ok("run", "-d", KIND, IMAGE, "sh", "-c", script)
    try:
        assert eventually(lambda: "ready" in host.ok("logs", guest))
        host.ok("stop", guest)
        assert host.ok("logs", guest) == "ready\ntold"
        assert host.ok("inspect", "-f", "{{.State.ExitCode}}", guest) == "3"
    finally:
        host.ok("rm", "-f", guest)


def test_pause_stops_and_goes_on(host: Instance) -> None:
    guest = host.ok("run", "-d", KIND, IMAGE, "sh", "-c", "while true; do echo x; sleep 0.05; done")
    try:
        assert eventually(lambda: "x" in host.ok("logs", guest))
        host.ok("pause", guest)
        before = host.ok("logs", guest)
        time.sleep(0.3)  # what must not happen cannot be waited for
        assert host.ok("logs", guest) == before
        host.ok("unpause", guest)
        assert eventually(lambda: len(host.ok("logs", guest)) > len(before))
    finally:
        host.ok("rm", "-f", guest)


def test_restart_starts_it_anew(host: Instance, guest: str) -> None:
    first = host.ok("inspect", "-f", "{{.State.Pid}}", guest)
    host.ok("restart", "-t", "0", guest)
    assert host.ok("inspect", "-f", "{{.State.Pid}}", guest) != first
    assert host.ok("exec", guest, "hostname") == "inside"


def test_files_go_in_and_out(host: Instance, guest: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("contents")
    host.ok("cp", str(tmp_path / "in"), f"{guest}:/root/copied")
    assert host.ok("exec", guest, "cat", "/root/copied") == "contents"
    host.ok("cp", f"{guest}:/root/copied", str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == "contents"
    assert "A /root/copied" in host.ok("diff", guest).splitlines()
    host.ok("commit", guest, "made-of-it")
    assert run(host, "made-of-it", "cat", "/root/copied") == (0, "contents", "")
    host.ok("image", "rm", "made-of-it")


def test_lists_and_measures(host: Instance, guest: str) -> None:
    assert host.ok("ps", "--filter", "kind=micro", "--format", "{{.ID}} {{.Kind}}") == f"{guest[:12]} micro"
    assert "KIND" in host.ok("ps").splitlines()[0]
    found = json.loads(host.ok("stats", "--no-stream", "--format", "json", guest))
    assert found
    assert len(host.ok("top", guest).splitlines()) == 2


# -- limits --------------------------------------------------------------------------------------------


def test_memory_is_limited(host: Instance) -> None:
    script = "dd if=/dev/zero of=/dev/null bs=100M count=1"
    assert run(host, "-m", "400m", IMAGE, "sh", "-c", script)[0] == 0
    guest = host.ok("run", "-d", KIND, "-m", "48m", IMAGE, "sh", "-c", f"{script}; echo $?; exit 5")
    try:
        assert host.ok("wait", guest) in ("5", "137")  # refused the memory, or killed for taking it
        assert "0" not in host.ok("logs", guest).splitlines()
    finally:
        host.ok("rm", "-f", guest)


def test_processes_are_limited(host: Instance) -> None:
    script = "i=0; while [ $i -lt 30 ]; do sleep 5 & i=$((i+1)); done; echo all"
    code, out, _ = run(host, "--pids-limit", "12", IMAGE, "sh", "-c", script)
    assert (code != 0 or "all" not in out) and "all" not in out


def test_limits_change_while_it_runs(host: Instance, guest: str) -> None:
    host.ok("update", "--memory", "128m", "--cpus", "0.5", guest)
    assert host.ok("stats", "--no-stream", "--format", "{{.MemUsage}}", guest).endswith("128MiB")


# -- networks ------------------------------------------------------------------------------------------


def test_published_ports_lead_to_the_guest(host: Instance) -> None:
    script = "mkdir /www; echo served > /www/index.html; httpd -f -p 80 -h /www"
    guest = host.ok("run", "-d", KIND, "-p", "127.0.0.1::80", IMAGE, "sh", "-c", script)
    try:
        address, _, port = host.ok("port", guest, "80").rpartition(":")
        assert eventually(lambda: fetch(address, int(port)).endswith("served\n"))
    finally:
        host.ok("rm", "-f", guest)


def test_guests_of_all_kinds_reach_one_another_by_name(host: Instance) -> None:
    host.ok("network", "create", "shared")
    server = host.ok(
        "run", "-d", "--name", "server", "--network", "shared", IMAGE, "httpd", "-f", "-p", "80", "-h", "/etc"
    )
    try:
        code, out, err = run(host, "--network", "shared", IMAGE, "wget", "-q", "-O", "-", "http://server/hostname")
        assert (code, out.strip()) == (0, server[:12]), err
    finally:
        host.ok("rm", "-f", server)
        host.ok("network", "rm", "shared")


# -- the daemon comes and goes -------------------------------------------------------------------------


def test_guests_outlive_their_daemon(own_host: Instance) -> None:
    guest = own_host.ok("run", "-d", KIND, IMAGE, "sleep", "1000")
    own_host.end_daemon(9)
    assert own_host.ok("exec", guest, "echo", "still here") == "still here"
    own_host.ok("rm", "-f", guest)
