"""Micro guests on the emulated processor: the verbs, the limits, and how bad ends look; in the jail as it really is."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from framework.instance import IMAGE, PROGRAM, Instance
from framework.keyboard import Keyboard
from framework.leaks import Watch
from framework.waiting import eventually, fetch

pytestmark = pytest.mark.root

CRASHES = """
#include <string.h>
#include <unistd.h>
#include <stdio.h>

static int deeper(int depth) { char room[4096]; memset(room, depth, sizeof room); return deeper(depth + 1) + room[7]; }

int main(int count, char **words) {
    (void)count;
    switch (words[1][0]) {
    case 'w': *(volatile char *)16 = 1; break;
    case 'j': ((void (*)(void))0xffffffff80004000)(); break;
    case 'i': __asm__ volatile("ud2"); break;
    case 'h': __asm__ volatile("hlt"); break;
    case 'd': __asm__ volatile("xorl %%ecx, %%ecx\\n divl %%ecx" ::: "rax", "rcx", "rdx"); break;
    case 's': return deeper(0);
    case 'n': return printf("%d\\n", getpid()) < 0;
    }
    return 99;
}
"""


def on_software(instance: Instance, archive: Path) -> Iterator[Instance]:
    (instance.folder / "config.toml").write_text('[micro]\nplatform = "software"\n')
    try:
        instance.ok("image", "load", "-i", str(archive))
        yield instance
    finally:
        instance.close()


@pytest.fixture(scope="module")
def host(new_host: Callable[[], Instance], busybox_archive: Path) -> Iterator[Instance]:
    """A host whose micro guests have an emulated processor, whatever else there is."""
    yield from on_software(new_host(), busybox_archive)


@pytest.fixture
def start(host: Instance) -> Iterator[Callable[..., str]]:
    """Starts a guest in the background, which is gone afterwards."""
    guests: list[str] = []

    def started(*words: str) -> str:
        guests.append(host.ok("run", "-d", "--micro", *words))
        return guests[-1]

    yield started
    if guests:
        host.ok("rm", "-f", *guests)


@pytest.fixture(scope="module")
def crashes(watch: Watch) -> Iterator[Path]:
    """A folder with a program that ends badly: the letter says how."""
    folder = watch.folder / "crashes"
    folder.mkdir()
    command = ["gcc", "-static", "-O0", "-w", "-x", "c", "-", "-o", str(folder / "crash")]
    subprocess.run(command, input=CRASHES, text=True, check=True)
    yield folder


def run(host: Instance, *words: str, text: str = "") -> tuple[int, str, str]:
    done = host.wirt("run", "--rm", "--micro", *words, text=text)
    return done.code, done.out, done.err


# -- which platform ------------------------------------------------------------------------------------


def test_setting_is_obeyed_and_told(host: Instance) -> None:
    assert run(host, IMAGE, "grep", "-m1", "flags", "/proc/cpuinfo")[0] == 0
    assert "software, as set" in host.ok("info")
    assert "an emulated processor, as the setting micro.platform has it" in host.ok("doctor")


def test_without_a_kvm_guests_run_and_it_is_said_once(new_host: Callable[[], Instance], busybox_archive: Path) -> None:
    """/dev/kvm is there and opens, but is something else, for the daemon and all that it starts."""
    bare = new_host()
    reader, writer = os.pipe()
    script = 'mount --bind /dev/null /dev/kvm && exec "$@"'
    daemon = ["unshare", "-m", "sh", "-c", script, "sh", str(PROGRAM), "daemon", "--ready-fd", str(writer)]
    process = subprocess.Popen(daemon, env=bare.env, pass_fds=[writer], stderr=subprocess.DEVNULL)
    os.close(writer)
    try:
        with open(reader) as pipe:
            assert pipe.read() == "ready\n"
        bare.ok("image", "load", "-i", str(busybox_archive))
        assert eventually(lambda: "software" in bare.ok("info"))
        first, second = (bare.wirt("create", "--micro", IMAGE, "echo", "slow") for _ in range(2))
        assert "on an emulated processor here" in first.err
        assert second.err == ""
        assert bare.ok("start", "-a", second.out.strip()) == "slow"
        assert "as /dev/kvm runs none" in bare.ok("doctor")
    finally:
        bare.close()
        process.wait(20)


def test_wrong_platform_in_the_settings_stops_the_daemon(new_host: Callable[[], Instance]) -> None:
    wrong = new_host()
    (wrong.folder / "config.toml").write_text('[micro]\nplatform = "abacus"\n')
    done = wrong.wirt("ps")
    assert done.code == 125
    assert "there is no platform 'abacus'" in done.err
    assert "auto, kvm, software" in done.err


# -- verbs ---------------------------------------------------------------------------------------------


def test_run_passes_output_input_and_code(host: Instance) -> None:
    assert run(host, IMAGE, "sh", "-c", "echo out; echo err >&2; exit 7") == (7, "out\n", "err\n")
    assert run(host, "-i", IMAGE, "cat", text="typed\n") == (0, "typed\n", "")
    assert run(host, IMAGE, "nothing")[0] == 127


def test_shell_on_a_terminal_is_one_to_work_in(host: Instance) -> None:
    keys = Keyboard(host, "run", "-it", "--rm", "--micro", IMAGE, "sh")
    try:
        keys.until("# ")
        keys.type("stty size; tty\n")
        keys.until("24 80\r\n/dev/pts/0\r\n")
        keys.type("sleep 1000\n")
        keys.until("sleep 1000\r\n")
        keys.type("\x03")  # Ctrl-C ends the program in the foreground, not the shell
        keys.until("# ")
        keys.type("sleep 500 | cat &\n")
        keys.until("# ")
        keys.type("jobs; echo $((6 * 7)); kill %1; exit 3\n")
        keys.until("Running")
        keys.until("42")
        assert keys.exit_code() == 3
        assert keys.restored
    finally:
        keys.close()


def test_exec_logs_stats_and_files(host: Instance, start: Callable[..., str], tmp_path: Path) -> None:
    guest = start("-e", "COLOUR=red", "--hostname", "inside", IMAGE, "sh", "-c", "echo logged; sleep 1000")
    assert eventually(lambda: host.ok("logs", guest) == "logged")
    assert host.ok("exec", guest, "sh", "-c", "hostname; echo $COLOUR") == "inside\nred"
    assert host.wirt("exec", "-i", guest, "cat", text="typed").out == "typed"
    assert host.wirt("exec", guest, "sh", "-c", "exit 9").code == 9
    assert host.ok("exec", "-u", "7", guest, "id", "-u") == "7"
    (tmp_path / "in").write_text("contents")
    host.ok("cp", str(tmp_path / "in"), f"{guest}:/copied")
    assert host.ok("exec", guest, "cat", "/copied") == "contents"
    assert re.match(r"[1-9][\d.]*[KM]iB / ", host.ok("stats", "--no-stream", "--format", "{{.MemUsage}}", guest))
    assert len(host.ok("top", guest).splitlines()) >= 2


def test_pause_and_restart(host: Instance, start: Callable[..., str]) -> None:
    guest = start(IMAGE, "sh", "-c", "while true; do echo x; sleep 0.05; done")
    assert eventually(lambda: "x" in host.ok("logs", guest))
    host.ok("pause", guest)
    before = host.ok("logs", guest)
    assert host.ok("inspect", "-f", "{{.State.Status}}", guest) == "paused"
    host.ok("unpause", guest)
    assert eventually(lambda: len(host.ok("logs", guest)) > len(before))
    host.ok("restart", "-t", "0", guest)
    assert host.ok("inspect", "-f", "{{.State.Status}}", guest) == "running"


def test_published_port_leads_to_the_guest(host: Instance, start: Callable[..., str]) -> None:
    script = "mkdir /www; echo served > /www/index.html; httpd -f -p 80 -h /www"
    guest = start("-p", "127.0.0.1::80", IMAGE, "sh", "-c", script)
    address, _, port = host.ok("port", guest, "80").rpartition(":")
    assert eventually(lambda: fetch(address, int(port)).endswith("served\n"))


# -- how guests end ------------------------------------------------------------------------------------


def test_signals_reach_a_program_that_only_computes(host: Instance, start: Callable[..., str]) -> None:
    guest = start(IMAGE, "sh", "-c", "trap 'echo told; exit 3' TERM; echo ready; while true; do :; done")
    assert eventually(lambda: "ready" in host.ok("logs", guest))
    host.ok("stop", "-t", "20", guest)
    assert host.ok("logs", guest) == "ready\ntold"
    assert host.ok("inspect", "-f", "{{.State.ExitCode}}", guest) == "3"


def test_kill_ends_a_loop_at_once(host: Instance, start: Callable[..., str]) -> None:
    guest = start(IMAGE, "sh", "-c", "while true; do :; done")
    host.ok("kill", guest)
    assert host.ok("wait", guest) == "137"


@pytest.mark.parametrize(
    ("how", "number"),
    [
        pytest.param("w", signal.SIGSEGV, id="writes where nothing is"),
        pytest.param("j", signal.SIGSEGV, id="jumps into the supervisor range"),
        pytest.param("i", signal.SIGILL, id="executes what is no instruction"),
        pytest.param("h", signal.SIGSEGV, id="executes what only a kernel may"),
        pytest.param("d", signal.SIGFPE, id="divides by zero"),
        pytest.param("s", signal.SIGSEGV, id="calls itself without end"),
    ],
)
def test_crash_ends_the_guest_alone_with_its_signal(
    host: Instance, start: Callable[..., str], crashes: Path, how: str, number: int
) -> None:
    bystander = start("-v", f"{crashes}:/c:ro", IMAGE, "sleep", "1000")
    assert run(host, "-v", f"{crashes}:/c:ro", IMAGE, "/c/crash", how)[0] == 128 + number
    script = f"/c/crash {how}; echo $?; /c/crash n"  # a child's crash is seen by its parent, which goes on
    _, out, _ = run(host, "-v", f"{crashes}:/c:ro", IMAGE, "sh", "-c", script)
    assert out.splitlines()[0] == str(128 + number)
    assert out.splitlines()[-1].isdigit()
    assert host.ok("exec", bystander, "/c/crash", "n").isdigit()


def test_fork_bomb_stays_within_its_limit(host: Instance, start: Callable[..., str]) -> None:
    bystander = start(IMAGE, "sleep", "1000")
    bomb = start("--pids-limit", "16", "-m", "400m", IMAGE, "sh", "-c", "echo ready; f() { f | f & }; f; sleep 1000")
    assert eventually(lambda: "ready" in host.ok("logs", bomb))
    assert host.ok("exec", bystander, "echo", "unharmed") == "unharmed"
    host.ok("rm", "-f", bomb)
    assert host.ok("exec", bystander, "echo", "unharmed") == "unharmed"


def test_memory_is_limited(host: Instance) -> None:
    script = "dd if=/dev/zero of=/dev/null bs=200M count=1 && echo whole"
    assert run(host, "-m", "500m", IMAGE, "sh", "-c", script)[1] == "whole\n"
    assert "whole" not in run(host, "-m", "100m", IMAGE, "sh", "-c", script)[1]


# -- the jail ------------------------------------------------------------------------------------------


def test_guest_is_in_the_jail(host: Instance, start: Callable[..., str]) -> None:
    guest = start(IMAGE, "sh", "-c", "while true; do :; done")
    monitor = Path("/proc", host.ok("inspect", "-f", "{{.State.Pid}}", guest), "status").read_text()
    found = dict(re.findall(r"^(NoNewPrivs|Seccomp|CapBnd):\s*(\w+)$", monitor, re.MULTILINE))
    assert (found["NoNewPrivs"], found["Seccomp"]) == ("1", "2")
