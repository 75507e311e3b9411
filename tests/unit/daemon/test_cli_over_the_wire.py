"""Every verb against the real server and API, over an engine in memory: what the command line asks, the API knows."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from framework.memory_engine import MemoryEngine
from framework.serving import Serving
from wirt.cli import index
from wirt.cli.main import main

Shell = Callable[[str], tuple[int, str, str]]


@pytest.fixture
def shell(
    serving: Serving,
    engine: MemoryEngine,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Iterator[Shell]:
    """Runs a line as the shell would split it; exit code, output, errors."""
    monkeypatch.setenv("WIRT_HOST", f"unix://{serving.path}")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("file\n")

    def run(line: str) -> tuple[int, str, str]:
        code = main(shlex.split(line))
        return code, *capfd.readouterr()

    yield run
    engine.guests.all.clear()


# A story: each line is run in turn, and says what is to be in its output.
STORY = """
create --name web --label a=b -m 64m -p 80 -v data:/d --restart always busybox sleep 9
run -d --name job busybox exit 3
run --rm busybox exit 0              # exit 0
start web                            # web
ps -a -n 9 -s --filter name=web      # web
ps --format {{.Names}}               # job
inspect -s -f {{.State.Status}} web  # running
logs -t --tail 5 --since 1h --until 1s web
top web -o pid                       # -o pid
diff web
port web
stats --no-stream web                # 4KiB / 8KiB
stats --no-stream                    # 4KiB / 8KiB
events --since 1h --until 0s --filter type=guest
exec web hello                       # hello
exec -d -e A=1 -u 0 -w / --privileged web hello
attach --no-stdin web                # sleep 9
pause web                            # web
unpause web                          # web
update --cpus 2 --restart no web     # web
rename web site
restart -t 3 site                    # site
stop -t 1 -s TERM site               # site
start -a site                        # sleep 9
kill -s HUP job                      # job
wait job                             # 137
commit -a me -m text -c 'CMD x' --pause=false site new:1  # sha256:
export -o out.tar site
cp file site:/in
cp site:/in back
rm -f -v site job                    # job
guest prune -f --filter until=1h     # space reclaimed
images --filter dangling=true busybox
image inspect busybox                # sha256:
history busybox
tag busybox other:1
save -o busybox.tar --format oci busybox
load -q -i busybox.tar
import -c 'CMD x' -m text file base:1
image bootstrap -p git --mirror http://x -t mine busybox
rmi -f busybox
image prune -f -a --filter until=1h  # space reclaimed
network create --internal --subnet 10.9.0.0/24 --label a=b shop
network ls --filter name=shop        # shop
network inspect shop                 # 10.9.0.0/24
network rm shop                      # shop
network prune -f
volume create --label a=b data       # data
volume ls -q                         # data
volume inspect data                  # data
volume rm -f data                    # data
volume prune -f -a                   # space reclaimed
system prune -f --cache              # bootstrap/bookworm
system prune -f -a --volumes         # space reclaimed
info                                 # Guests
system df -v                         # busybox
version                              # daemon
doctor
"""
LINES = [line.split("#") for line in STORY.strip().splitlines()]


def test_a_story_with_every_verb_makes_sense_to_the_api(shell: Shell) -> None:
    for line, *expected in LINES:
        code, out, err = shell(line)
        assert code in (0, 1) or _unknown_here(err), f"{line}: {code}: {err}"
        assert "unknown parameter" not in err, line
        assert "wirt's" not in err, line
        for words in expected:
            assert words.strip() in out, f"{line}: {out}"


def _unknown_here(err: str) -> bool:
    """What the engine in memory does not do is no matter of the API's."""
    return "cannot be filtered by" in err or "there is no /in in guest" in err


def test_the_story_has_every_verb() -> None:
    told = {index.find(shlex.split(line))[0] for line, *_ in LINES}
    elsewhere = {"network connect", "network disconnect", "daemon", "completion", "help"}
    elsewhere |= {"token create", "token ls", "token rm"}  # which ask no daemon
    # Of micro guests alone, which the engine in memory has not: tests/integration/test_micro_{forks,trace}.py
    elsewhere |= {"fork", "restore", "trace"} | {f"snapshot {verb}" for verb in ("create", "ls", "inspect", "rm")}
    assert set(index.all_verbs()) - told - elsewhere == set()


def test_networks_take_guests_in_and_let_them_go(shell: Shell) -> None:
    shell("create --name g busybox")
    shell("network create n")
    for line in ("network connect --alias x --ip 10.0.0.9 n g", "network disconnect -f n g"):
        code, _, err = shell(line)
        assert code == 0, err
