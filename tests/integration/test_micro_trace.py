"""``wirt trace`` on real guests: what it shows is what they do, and when it ends they go on as before."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from framework.instance import IMAGE, Instance
from framework.waiting import eventually
from wirt.client.sdk import Client
from wirt.errors import Conflict, InvalidInput
from wirt.model.trace import TraceEntry, TraceKind

pytestmark = pytest.mark.root

PATIENCE = 20.0
LOOP = "while :; do echo again; sleep 0.1; done"


@pytest.fixture
def guest(host: Instance) -> Iterator[str]:
    """A micro guest that says something ten times a second."""
    yield host.ok("run", "-d", "--micro", IMAGE, "sh", "-c", LOOP)
    for left in host.ok("ps", "-aq").split():
        host.ok("rm", "-f", left)


def entries(host: Instance, *words: str) -> list[dict[str, Any]]:
    """Of a new guest that is traced to its end."""
    done = host.wirt("trace", "--format", "json", *words)
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.err.splitlines()]


def calls(found: list[dict[str, Any]]) -> list[str]:
    return [f"{entry['name']}({entry['arguments']}) {entry['outcome']}" for entry in found if entry["kind"] == "call"]


def sockets_of(host: Instance, guest: str) -> list[int]:
    """How many sockets each process of a guest has; one is the monitor's own."""
    counts = []
    for pid in (int(line.split()[1]) for line in host.ok("top", guest).splitlines()[1:]):
        try:
            links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
        except FileNotFoundError:
            continue
        counts.append(sum(link.startswith("socket:") for link in links))
    return counts


def seconds_of(pid: int) -> float:
    """CPU time of a process (proc_pid_stat(5): utime, stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watching(host: Instance, *words: str) -> subprocess.Popen[str]:
    """``wirt trace`` of a guest that runs; whoever starts it ends it."""
    return host.open("trace", *words)


# -- a new guest ---------------------------------------------------------------------------------------


def test_program_is_shown_from_its_first_call_to_its_end(host: Instance) -> None:
    done = host.wirt("trace", IMAGE, "sh", "-c", "echo said; cat /nothing; exit 3")
    assert (done.code, done.out) == (3, "said\n")
    lines = done.err.splitlines()
    assert lines[0] == '=== "/bin/sh" "-c" "echo said; cat /nothing; exit 3": traced from here on ==='
    assert lines[1].startswith("brk(NULL) = 0x")
    assert any('write(1, "said\\n", 5) = 5 <' in line for line in lines)
    assert any('"/nothing", O_RDONLY) = -1 ENOENT (No such file or directory) <' in line for line in lines)
    assert lines[-1].endswith("+++ exited with 3 +++")
    assert host.ok("ps", "-aq") == "", "the guest is still there"


def test_calls_that_the_library_answers_are_shown_as_inside(host: Instance) -> None:
    found = entries(host, IMAGE, "id", "-u")
    inside = {entry["name"] for entry in found if entry["inside"]}
    assert inside & {"getuid", "geteuid"}
    assert not inside & {"write", "brk", "openat"}


def test_processes_programs_and_signals_are_followed(host: Instance) -> None:
    found = entries(host, IMAGE, "sh", "-c", "trap 'echo caught' USR1; kill -USR1 $$; (ls /; exit 5); true")
    by_kind = {kind: [entry for entry in found if entry["kind"] == kind] for kind in TraceKind}
    assert len({entry["pid"] for entry in found}) >= 2
    assert any(entry["name"] == "SIGUSR1" for entry in by_kind["signal"])
    assert any(call.startswith(("clone(", "vfork(")) for call in calls(found))
    assert {entry["outcome"] for entry in by_kind["end"]} >= {"exited with 0", "exited with 5"}
    assert not by_kind["lost"]


def test_execve_is_shown_with_its_words(host: Instance) -> None:
    shown = calls(entries(host, IMAGE, "sh", "-c", "exec /bin/echo one two"))
    assert any(call.startswith('execve("/bin/echo", ["/bin/echo", "one", "two"]') for call in shown)


def test_fault_and_death_are_shown(host: Instance, tmp_path: Path) -> None:
    (tmp_path / "bad.c").write_text("void _start(void) { *(volatile int *)0x123000 = 1; }\n")
    subprocess.run(
        ["cc", "-O", "-static", "-nostdlib", "-o", str(tmp_path / "bad"), str(tmp_path / "bad.c")], check=True
    )
    done = host.wirt("trace", "-v", f"{tmp_path}:/p", IMAGE, "/p/bad")
    assert done.code == 139
    assert done.err.splitlines()[-2:] == [
        "--- page fault write at 0x123000 ---",
        "+++ killed by SIGSEGV +++",
    ]


def test_only_what_was_asked_for(host: Instance) -> None:
    shown = {call.partition("(")[0] for call in calls(entries(host, "-e", "trace=write,getuid", IMAGE, "ls", "/"))}
    assert shown == {"write", "getuid"}
    shown = {call.partition("(")[0] for call in calls(entries(host, "-e", "trace=!file,brk", IMAGE, "ls", "/"))}
    assert "write" in shown
    assert not shown & {"openat", "newfstatat", "brk"}


def test_steps_lead_to_the_host(host: Instance) -> None:
    found = entries(host, "--steps", "-e", "write,openat", IMAGE, "ls", "/")
    written = [entry for entry in found if entry["name"] == "write"]
    assert written
    for entry in written:
        assert [(step["name"], step["result"]) for step in entry["steps"]] == [("write", entry["result"])]
        assert entry["rip"]
        assert 0 < entry["steps"][0]["seconds"] <= entry["seconds"]
    picture = host.wirt("trace", "--steps", "-e", "write", IMAGE, "echo", "x").err
    for word in ("user mode", "function library", "hypervisor", "monitor", "host"):
        assert word in picture


def test_summary_and_output_to_a_file(host: Instance, tmp_path: Path) -> None:
    done = host.wirt("trace", "-c", "-o", str(tmp_path / "sums"), IMAGE, "ls", "/")
    assert (done.code, done.err) == (0, "")
    sums = (tmp_path / "sums").read_text()
    assert "% time" in sums
    assert " write\n" in sums
    assert "would not have left the guest" in sums


def test_input_and_exit_code_are_the_programs(host: Instance) -> None:
    done = host.wirt("trace", "-i", "-e", "write", IMAGE, "cat", text="typed\n")
    assert (done.code, done.out) == (0, "typed\n")


# -- a guest that runs ---------------------------------------------------------------------------------


def test_running_guest_is_watched_and_goes_on(host: Instance, guest: str) -> None:
    before = max(sockets_of(host, guest))
    client = Client(f"unix://{host.socket}")
    stream = client.guests.get(guest).trace(["write", "clock_nanosleep"])
    seen: list[TraceEntry] = []
    for entry in stream:
        seen.append(entry)
        if sum(one.name == "write" for one in seen) >= 3:
            break
    assert seen[0].kind is TraceKind.BEGIN
    assert any(entry.arguments == '1, "again\\n", 6' and entry.result == 6 for entry in seen)
    with pytest.raises(Conflict, match="being traced already"):
        next(client.guests.get(guest).trace())
    stream.close()
    assert eventually(lambda: max(sockets_of(host, guest)) == before), "the guest still holds its trace"
    said = len(host.ok("logs", guest).splitlines())
    assert eventually(lambda: len(host.ok("logs", guest).splitlines()) > said + 3)


def test_trace_ends_with_its_guest(host: Instance, guest: str) -> None:
    with watching(host, guest) as process:
        assert process.stderr is not None
        assert "traced from here on" in process.stderr.readline()
        host.ok("kill", guest)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0


def test_interrupt_ends_the_trace_and_not_the_guest(host: Instance, guest: str) -> None:
    before = max(sockets_of(host, guest))
    with watching(host, "-c", guest) as process:
        assert eventually(lambda: max(sockets_of(host, guest), default=0) > before)
        said = len(host.ok("logs", guest).splitlines())
        assert eventually(lambda: len(host.ok("logs", guest).splitlines()) > said + 5)
        process.send_signal(signal.SIGINT)
        _, sums = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "clock_nanosleep" in sums
    assert host.ok("ps", "-q") == guest[:12]


def test_client_that_dies_leaves_no_trace(host: Instance, guest: str) -> None:
    before = max(sockets_of(host, guest))
    with watching(host, guest) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.kill()
        process.communicate(timeout=PATIENCE)
    assert eventually(lambda: max(sockets_of(host, guest)) == before)


def test_daemon_that_dies_leaves_no_trace(host: Instance, guest: str) -> None:
    before = max(sockets_of(host, guest))
    with watching(host, guest) as process:
        assert process.stderr is not None
        process.stderr.readline()
        host.end_daemon(signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
    assert eventually(lambda: max(sockets_of(host, guest)) == before)
    assert "again" in host.ok("logs", "--tail", "1", guest)


def test_reader_that_does_not_read_costs_entries_and_no_memory(host: Instance) -> None:
    guest = host.ok("run", "-d", "--micro", IMAGE, "sh", "-c", "dd if=/dev/zero of=/dev/null bs=1")
    try:
        stream = Client(f"unix://{host.socket}").guests.get(guest).trace()
        next(stream)
        status = Path(f"/proc/{host.daemon_pid()}/status")
        busy = int(host.ok("top", guest).splitlines()[-1].split()[1])
        began = seconds_of(busy)
        assert eventually(lambda: seconds_of(busy) > began + 3), "in which it makes thousands of calls"
        assert int(status.read_text().partition("VmRSS:")[2].split()[0]) < 200_000
        assert any(entry.lost for entry in stream)
        stream.close()
    finally:
        host.ok("rm", "-f", guest)


THREADS = """
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void *work(void *number) {
    for (;;) { usleep(10000); dprintf(1, "%ld\\n", (long)number); }
}
int main(void) {
    pthread_t thread;
    for (long i = 1; i < 4; i++) pthread_create(&thread, 0, work, (void *)i);
    for (volatile unsigned long busy = 0;; busy++) {}
}
"""


def test_threads_are_traced_each_and_go_on(host: Instance, tmp_path: Path) -> None:
    (tmp_path / "threads.c").write_text(THREADS)
    subprocess.run(
        ["cc", "-O", "-static", "-pthread", "-o", str(tmp_path / "threads"), str(tmp_path / "threads.c")], check=True
    )
    guest = host.ok("run", "-d", "--micro", "-v", f"{tmp_path}:/p", IMAGE, "/p/threads")
    try:
        assert eventually(lambda: {"1", "2", "3"} <= set(host.ok("logs", guest).split()))
        before = max(sockets_of(host, guest))
        for _ in range(3):
            stream = Client(f"unix://{host.socket}").guests.get(guest).trace(["write"])
            begin, seen = next(stream), set[int]()
            assert begin.result == 4
            while len(seen) < 3:
                seen.add(next(stream).tid)
            stream.close()
            assert eventually(lambda: max(sockets_of(host, guest)) == before)
        said = len(host.ok("logs", guest).split())
        assert eventually(lambda: len(host.ok("logs", guest).split()) > said + 30)
    finally:
        host.ok("rm", "-f", guest)


def test_program_that_begins_later_is_traced_too(host: Instance, guest: str) -> None:
    stream = Client(f"unix://{host.socket}").guests.get(guest).trace(["write"])
    next(stream)
    host.ok("exec", guest, "echo", "from outside")
    assert any("from outside" in entry.arguments for entry in stream)
    stream.close()


def test_what_cannot_be_traced_is_told(host: Instance) -> None:
    client = Client(f"unix://{host.socket}")
    container = host.ok("create", "--name", "box", IMAGE, "true")
    micro = host.ok("create", "--name", "still", "--micro", IMAGE, "true")
    with pytest.raises(InvalidInput, match="wirt trace shows micro guests; box is a container"):
        client.guests.get(container).trace()
    with pytest.raises(Conflict, match="guest still does not run"):
        client.guests.get(micro).trace()
    with pytest.raises(InvalidInput, match="'opne' is neither"):
        client.guests.get(micro).trace(["opne"], start=True)
    assert host.wirt("trace", "--kind", "container", IMAGE, "true").err.startswith(
        "wirt: wirt trace shows micro guests"
    )
    assert host.wirt("trace", "-c", "--steps", IMAGE, "true").code == 125
    assert host.wirt("trace", IMAGE, "/nothing").code == 127
    assert "neither a guest nor an image nonesuch" in host.wirt("trace", "nonesuch").err
    host.ok("rm", container, micro)
    assert host.ok("ps", "-aq") == ""


def test_terminal_is_one_while_it_is_traced(host: Instance) -> None:
    guest = host.ok("run", "-dt", "--micro", IMAGE, "sh", "-c", "sleep 0.5; tty; sleep 1000")
    try:
        stream = Client(f"unix://{host.socket}").guests.get(guest).trace(["write"])
        assert any("/dev/pts/0" in entry.arguments for entry in stream)
        stream.close()
    finally:
        host.ok("rm", "-f", guest)
