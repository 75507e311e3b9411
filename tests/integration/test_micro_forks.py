"""Micro guests that are forked, saved and restored, through the command line: what clones have, and who goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import pytest

from framework.instance import IMAGE, PROGRAM, Instance
from framework.keyboard import Keyboard
from framework.leaks import Watch
from framework.project import ROOT
from framework.python_root import python_root
from framework.waiting import eventually, fetch

pytestmark = pytest.mark.root

LASTING = ROOT / "tests" / "framework" / "lasting.py"
STUBBORN = ROOT / "tests" / "framework" / "stubborn.py"
COUNTER = "i=0; while :; do i=$((i+1)); echo $i; usleep 20000 2>/dev/null || read -t 0.02 x </dev/zero; done"


@pytest.fixture(scope="module")
def python(host: Instance, watch: Watch) -> str:
    """The name of an image with the Python that runs this test."""
    archive = watch.folder / "python.tar"
    python_root(archive, LASTING)
    host.ok("image", "import", str(archive), "python", timeout=120)
    archive.unlink()
    return "python"


@pytest.fixture(autouse=True)
def _no_guest_stays(host: Instance) -> Iterator[None]:
    yield
    if guests := host.ok("ps", "-aq").split():
        host.ok("rm", "-f", *guests)
    if snapshots := host.ok("snapshot", "ls", "-q").split():
        host.ok("snapshot", "rm", *snapshots)
    assert [line for line in host.ok("image", "ls", "-a").splitlines() if "<none>" in line] == []
    assert list((host.state / "snapshots").iterdir()) == []


def names(host: Instance) -> list[str]:
    return sorted(host.ok("ps", "--format", "{{.Names}}").split())


def logs_say(host: Instance, guest: str, text: str) -> bool:
    return eventually(lambda: text in host.ok("logs", guest), patience=40)


def outcome(host: Instance, guest: str) -> dict[str, Any]:
    """What ``lasting`` says in the end."""
    assert logs_say(host, guest, '"wrong"'), host.ok("logs", guest)
    found: dict[str, Any] = json.loads(host.ok("logs", guest).splitlines()[-1])
    return found


# -- what goes on --------------------------------------------------------------------------------------


def test_clones_and_their_origin_go_on_with_all_they_had(host: Instance, python: str) -> None:
    host.ok("run", "-d", "--micro", "--name", "origin", python, "python3", "/lasting.py")
    assert logs_say(host, "origin", "ready")
    host.ok("fork", "origin")
    host.ok("fork", "--name", "grandchild", "origin-1")
    assert host.ok("snapshot", "create", "origin", "saved") == "saved"
    host.end_daemon()  # the guests go on, and the snapshot is there
    host.ok("restore", "--name", "restored", "saved")
    everybody = ["origin", "origin-1", "grandchild-1", "restored"]
    for guest in everybody:
        host.ok("exec", guest, "touch", "/go")
    found = [outcome(host, guest) for guest in everybody]
    for guest, said in zip(everybody, found, strict=True):
        assert {name: error for name, error in said["wrong"].items() if error} == {}, guest
    assert [said["clone"] for said in found] == [False, True, True, True]
    assert len({said["host"] for said in found}) == len({said["random"] for said in found}) == 4


def test_clones_of_another_user_go_on(host: Instance, python: str) -> None:
    host.ok("run", "-d", "--micro", "--name", "origin", "-u", "1000:1000", "--cap-drop", "ALL", python, "python3",
            "/lasting.py")  # fmt: skip
    assert logs_say(host, "origin", "ready")
    host.ok("fork", "origin")
    for guest in ("origin", "origin-1"):
        host.ok("exec", "-u", "0", guest, "touch", "/go")
        assert {name: error for name, error in outcome(host, guest)["wrong"].items() if error} == {}, guest


@pytest.mark.parametrize(
    "program",
    [
        ("sh", "-c", "while :; do :; done"),
        ("cat",),
        ("sleep", "1000"),
        ("python3", "-c", "import threading; e = threading.Event(); [threading.Thread(target=e.wait).start() for _ in "
                          "range(20)]; print('up', flush=True); [None for _ in iter(int, 1)]"),
    ],
    ids=["a loop", "a read", "a sleep", "futexes and a loop"],
)  # fmt: skip
def test_busy_and_waiting_guests_are_forked(host: Instance, python: str, program: tuple[str, ...]) -> None:
    host.ok("run", "-di", "--micro", "--name", "g", python, *program)
    if program[0] == "python3":
        assert logs_say(host, "g", "up")
    host.ok("fork", "g", "2")
    assert names(host) == ["g", "g-1", "g-2"]
    for guest in names(host):
        assert host.ok("exec", guest, "echo", "well") == "well"


def test_many_clones_at_once_and_nothing_lost(host: Instance) -> None:
    host.ok("run", "-d", "--micro", "--name", "g", IMAGE, "sh", "-c", COUNTER)
    assert logs_say(host, "g", "5\n")
    clones = host.ok("fork", "g", "20").split()
    assert len(clones) == 20
    assert names(host) == sorted(["g", *(f"g-{number}" for number in range(1, 21))])
    firsts = set()
    for clone in clones:
        assert eventually(lambda clone=clone: len(host.ok("logs", clone).split()) > 2)
        numbers = [int(word) for word in host.ok("logs", clone).split()]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        firsts.add(numbers[0])
    assert len(firsts) == 1, "not all clones are of one moment"
    numbers = [int(word) for word in host.ok("logs", "g").split()]
    assert numbers == list(range(1, len(numbers) + 1)), "the origin was disturbed"


# -- what a clone has of its own -----------------------------------------------------------------------


def test_clones_have_their_own_place_on_the_network(host: Instance) -> None:
    script = "mkdir /www; hostname > /www/index.html; exec httpd -f -p 80 -h /www"
    host.ok("run", "-d", "--micro", "--name", "web", "-p", "127.0.0.1::80", IMAGE, "sh", "-c", script)
    assert eventually(lambda: "200 OK" in served(host, "web"))
    host.ok("fork", "web", "2")
    guests = ("web", "web-1", "web-2")
    for guest in guests:
        assert eventually(lambda guest=guest: "200 OK" in served(host, guest)), guest
    for what in ("{{.NetworkSettings.IPAddress}}", "{{.NetworkSettings.MacAddress}}"):
        assert len({host.ok("inspect", "-f", what, guest) for guest in guests}) == 3, what
    for words in (("hostname",), ("hostname", "-i"), ("cat", "/etc/hostname")):
        assert len({host.ok("exec", guest, *words) for guest in guests}) == 3, words
    assert len({host.ok("port", guest, "80") for guest in guests}) == 3


def served(host: Instance, guest: str) -> str:
    address, _, port = host.ok("port", guest, "80").rpartition(":")
    return fetch(address, int(port))


def test_clones_write_for_themselves(host: Instance) -> None:
    host.ok("run", "-d", "--micro", "--name", "g", IMAGE, "sh", "-c", "echo before > /f; exec sleep 1000")
    assert eventually(lambda: host.wirt("exec", "g", "cat", "/f").out == "before\n")
    host.ok("fork", "g")
    host.ok("exec", "g-1", "sh", "-c", "echo clone > /f")
    host.ok("exec", "g", "sh", "-c", "echo origin > /new")
    assert host.ok("exec", "g", "cat", "/f") == "before"
    assert host.ok("exec", "g-1", "cat", "/f") == "clone"
    assert host.wirt("exec", "g-1", "cat", "/new").code == 1


def test_clones_live_as_guests_do(host: Instance) -> None:
    script = "trap 'echo told; exit 3' TERM; echo begun; n=0; while :; do n=$((n+1)); sleep 0.1; done"
    host.ok("run", "-d", "--micro", "--name", "g", "-m", "64m", "-l", "a=b", IMAGE, "sh", "-c", script)
    assert logs_say(host, "g", "begun")
    host.ok("fork", "g")
    assert host.ok("inspect", "-f", "{{.HostConfig.Memory}} {{.Config.Labels.a}}", "g-1") == f"{64 << 20} b"
    assert host.ok("stats", "--no-stream", "--format", "{{.MemUsage}}", "g-1").endswith("/ 64MiB")
    host.ok("pause", "g-1")
    host.ok("unpause", "g-1")
    host.ok("stop", "g-1")
    assert host.ok("inspect", "-f", "{{.State.ExitCode}}", "g-1") == "3"
    assert host.ok("logs", "g-1") == "told"
    host.ok("start", "g-1")  # anew, from its beginning
    assert eventually(lambda: host.ok("logs", "g-1") == "told\nbegun")
    assert names(host) == ["g", "g-1"]


def test_memory_of_a_clone_is_limited(host: Instance, python: str) -> None:
    script = "import time\nwhile not __import__('os').path.exists('/go'): time.sleep(0.02)\n" \
             "try: print(len(bytearray(100 << 20)))\nexcept MemoryError: print('too much')"  # fmt: skip
    host.ok("run", "-d", "--micro", "--name", "g", "-m", "96m", python, "python3", "-uc", script)
    host.ok("fork", "g")
    host.ok("exec", "g-1", "touch", "/go")
    assert host.ok("wait", "g-1") in ("0", "137")  # refused the memory, or killed for taking it
    assert str(100 << 20) not in host.ok("logs", "g-1")
    assert names(host) == ["g"]


# -- snapshots -----------------------------------------------------------------------------------------


def test_snapshots_are_listed_and_used(host: Instance) -> None:
    host.ok("run", "-d", "--micro", "--name", "g", IMAGE, "sh", "-c", COUNTER)
    assert logs_say(host, "g", "3\n")
    assert [host.ok("snapshot", "create", "g"), host.ok("snapshot", "create", "g", "other")] == ["g-1", "other"]
    rows = host.ok("snapshot", "ls", "--format", "{{.Name}} {{.Guest}} {{.Kind}}").splitlines()
    assert rows == ["other g micro", "g-1 g micro"]
    [seen] = json.loads(host.ok("snapshot", "inspect", "other"))
    assert seen["memory"] > 100_000 and seen["platform"] in ("kvm", "software")
    host.ok("rm", "-f", "g")
    guest = host.ok("restore", "--name", "g", "--hostname", "back", "-m", "128m", "other")
    assert host.ok("exec", guest, "hostname") == "back"
    assert logs_say(host, "g", "\n")
    assert int(host.ok("logs", "g").split()[0]) > 3
    host.ok("snapshot", "rm", "other", "g-1")
    assert host.ok("exec", guest, "echo", "well") == "well"  # it needs the snapshot no more
    host.ok("restart", "-t", "0", guest)
    assert eventually(lambda: "1" in host.ok("logs", "g").split())


def test_images_and_snapshots_in_use_stay(host: Instance) -> None:
    host.ok("tag", IMAGE, "other-name")
    host.ok("run", "-d", "--micro", "--name", "g", IMAGE, "sleep", "1000")
    host.ok("snapshot", "create", "g", "s")
    host.ok("rm", "-f", "g")
    host.ok("rmi", "other-name")
    done = host.wirt("image", "rm", host.ok("image", "ls", "-q", "--no-trunc", IMAGE))
    assert (done.code, done.err.count("\n")) == (125, 2) and "snapshot s" in done.err
    again = host.wirt("snapshot", "create", "nobody", "s")
    assert (again.code, again.err.splitlines()[0]) == (125, "wirt: no such guest: nobody")


WRITES = "echo mine > /file; i=0; while :; do i=$((i+1)); echo $i; usleep 20000; done"


def test_a_daemon_killed_while_it_saves_leaves_a_snapshot_or_nothing(own_host: Instance) -> None:
    """The guest goes on, and the image that was made for the snapshot goes with what needed it."""
    own_host.ok("run", "-d", "--micro", "--name", "g", IMAGE, "sh", "-c", WRITES)
    assert logs_say(own_host, "g", "2\n")
    drafts = own_host.state / "snapshots"
    for turn in range(5):
        with subprocess.Popen(
            [PROGRAM, "snapshot", "create", "g", f"s{turn}"], env=own_host.env, stdout=DEVNULL, stderr=DEVNULL
        ):
            assert eventually(lambda: any(drafts.iterdir()))
            time.sleep(turn * 0.015)  # somewhere on its way
            own_host.end_daemon(signal.SIGKILL)
        names = own_host.ok("snapshot", "ls", "-q", "--format", "{{.Name}}").split()
        assert names in ([], [f"s{turn}"])
        assert len(list(drafts.iterdir())) == len(names)
        before = len(own_host.ok("logs", "g").split())
        assert eventually(lambda before=before: len(own_host.ok("logs", "g").split()) > before), "the guest goes on"
        if names:
            own_host.ok("restore", "--name", "again", *names)
            assert own_host.ok("exec", "again", "cat", "/file") == "mine"
            own_host.ok("rm", "-f", "again")
            own_host.ok("snapshot", "rm", *names)
        # One that was made in the very moment of the end is nobody's yet, as what a cut-off commit leaves.
        own_host.ok("image", "prune", "-f")
        assert "<none>" not in own_host.ok("image", "ls", "-a")
    assert own_host.ok("snapshot", "create", "g", "last") == "last"
    own_host.ok("rm", "-f", "g")
    own_host.ok("snapshot", "rm", "last")


def test_an_image_that_a_snapshot_is_about_to_need_is_not_pruned(host: Instance) -> None:
    host.ok("run", "-d", "--micro", "--name", "g", IMAGE, "sh", "-c", WRITES)
    assert logs_say(host, "g", "1\n")
    for turn in range(6):
        with subprocess.Popen(
            [PROGRAM, "snapshot", "create", "g", f"s{turn}"], env=host.env, stdout=DEVNULL
        ) as creation:
            while creation.poll() is None:
                host.ok("image", "prune", "-f")
            assert creation.returncode == 0
        host.ok("image", "prune", "-f")
        guest = host.ok("restore", "--name", f"again{turn}", f"s{turn}")
        assert host.ok("exec", guest, "cat", "/file") == "mine"


# -- what is refused -------------------------------------------------------------------------------------


REFUSED = {
    "chroot": "it has changed its root (chroot)",
    "timer": "it has timers of its own (timer_create)",
    "segment": "it has System V shared memory attached",
    "inotify": "of a kind that cannot be saved",
    "named_pipe": "is a named pipe: /tmp/pipe",
    "large_nameless_file": "is a file without a name of 17 MiB",
    "removed_folder": "is a folder that was removed: /tmp/folder",
    "removed_working_folder": "its working directory was removed",
    "unread_messages": "is a socket with messages that were not read yet",
    "first_thread_ended": "the first thread of its program has ended",
}


def test_what_cannot_be_saved_is_refused_and_goes_on(host: Instance, python: str) -> None:
    """Each in one line with its reason, for snapshots and forks; without it the guest can be saved."""
    host.ok("run", "-d", "--micro", "--name", "g", "-v", f"{STUBBORN}:/stubborn.py:ro", python, "python3",
            "/stubborn.py")  # fmt: skip
    assert logs_say(host, "g", "ready")
    for number, (thing, reason) in enumerate(REFUSED.items()):
        host.ok("exec", "g", "sh", "-c", f"echo {thing} > /do")
        assert logs_say(host, "g", f"has {thing}"), host.ok("logs", "g")
        words = ("snapshot", "create", "g", "s") if number % 2 else ("fork", "g")
        done = host.wirt(*words)
        assert (done.code, done.err.count("\n"), done.out) == (125, 1, ""), (thing, done)
        assert done.err.startswith("wirt: guest g cannot be saved: ") and reason in done.err, (thing, done.err)
        host.ok("exec", "g", "sh", "-c", "echo > /do")
        assert logs_say(host, "g", f"without {thing}"), host.ok("logs", "g")
    host.ok("exec", "-d", "g", "sh", "-c", "while [ ! -e /over ]; do sleep 0.05; done")
    assert "a command of wirt exec runs in it" in host.wirt("snapshot", "create", "g", "s").err
    host.ok("exec", "g", "sh", "-c", "echo > /over")
    host.ok("pause", "g")
    assert host.wirt("fork", "g").code == 125
    host.ok("unpause", "g")
    assert eventually(lambda: host.wirt("snapshot", "create", "g", "s").code == 0)
    assert names(host) == ["g"]
    host.ok("restore", "--name", "again", "s")


# -- terminals -----------------------------------------------------------------------------------------


@pytest.fixture
def keyboard(host: Instance) -> Iterator[Callable[..., Keyboard]]:
    made: list[Keyboard] = []

    def start(*words: str) -> Keyboard:
        made.append(Keyboard(host, *words))
        return made[-1]

    yield start
    for each in made:
        each.close()


def test_shells_go_on_at_new_terminals(host: Instance, keyboard: Callable[..., Keyboard]) -> None:
    first = keyboard("run", "-it", "--micro", "--name", "shell", IMAGE, "sh")
    first.until("# ")
    first.type("word=kept; cd /tmp\r")
    first.until("/tmp # ")
    host.ok("fork", "shell")
    host.ok("snapshot", "create", "shell", "s")
    for other in (keyboard("attach", "shell-1"), keyboard("restore", "--rm", "-ai", "s")):
        other.type("\recho it is $word in $PWD; stty size\r")
        other.until(r"it is kept in /tmp\r\n24 80")
        other.type("sh -c 'echo go; exec sleep 1000'\r")
        other.until("go\r\n")  # from then on it has the terminal
        other.type("\x03")
        other.type("echo code $?\r")
        other.until("code 130")
        other.type("exit 5\r")
        assert other.exit_code() == 5
    first.type("echo still $word\r")
    first.until("still kept")
    first.type("exit\r")
    assert first.exit_code() == 0


# -- words ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("fork", "nobody"), 125, "no such guest: nobody"),
        (("fork", "g", "0"), 125, "0 forks cannot be made at once"),
        (("fork", "g", "many"), 125, "'many' is not a number of clones"),
        (("restore", "nothing"), 125, "there is no snapshot nothing"),
        (("restore", "s", "-m", "1x"), 125, "1x"),
        (("snapshot", "rm", "nothing"), 125, "there is no snapshot nothing"),
        (("snapshot", "create", "g", "s"), 125, "there is a snapshot s already"),
        (("snapshot", "create", "g", "not a name"), 125, "not a name"),
    ],
)
def test_wrong_words_are_told(host: Instance, words: tuple[str, ...], code: int, said: str) -> None:
    host.ok("run", "-d", "--micro", "--name", "g", IMAGE, "sleep", "1000")
    host.ok("snapshot", "create", "g", "s")
    done = host.wirt(*words)
    assert said in done.err and len(done.err.splitlines()) <= 2, done.err
    assert done.code == code
    assert names(host) == ["g"]


def test_names_of_snapshots_are_completed(host: Instance, tmp_path: Path) -> None:
    host.ok("run", "-d", "--micro", "--name", "g", IMAGE, "sleep", "1000")
    host.ok("snapshot", "create", "g", "warm")
    for words in (("restore", ""), ("snapshot", "rm", "w"), ("snapshot", "inspect", "warm", "")):
        assert host.ok("__complete", "--", *words).startswith("warm\tg"), words
    assert host.ok("__complete", "--", "fork", "").startswith("g\t")
