"""The SDK against the real server and API, over an engine in memory: both ends agree on every call."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import wirt
from framework.memory_engine import IMAGE_ID, MemoryEngine
from framework.serving import Serving
from wirt.errors import Conflict, CorruptData, ImageNotFound, InvalidInput, NotFound, RuntimeFailure, Unavailable
from wirt.model.guest import GuestState, Resources
from wirt.model.image import Progress
from wirt.model.wire import AttachOptions

BROKEN = b"broken"


@pytest.fixture
def host(serving: Serving, engine: MemoryEngine) -> Iterator[wirt.Client]:
    with wirt.Client(f"unix://{serving.path}") as client:
        yield client
    engine.guests.all.clear()


def test_run_gives_exit_code_and_output(host: wirt.Client, engine: MemoryEngine) -> None:
    result = host.run("busybox", "exit 3", input="some input", memory="64m")
    assert (result.exit_code, result.stdout) == (3, "exit 3some input")
    assert engine.guests.calls[-1] == ("session", AttachOptions(stdin=True))


def test_run_in_many_threads_at_once(host: wirt.Client) -> None:
    results: list[int] = []

    def run(code: int) -> None:
        results.append(host.run("busybox", ["exit", str(code)]).exit_code)

    threads = [threading.Thread(target=run, args=(code,)) for code in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == list(range(20))


def test_errors_are_those_of_the_host(host: wirt.Client) -> None:
    with pytest.raises(ImageNotFound, match="no such image: none") as caught:
        host.run("none")
    assert caught.value.hint == "wirt image ls lists them"
    with pytest.raises(NotFound):
        host.guests.get("nobody")
    with pytest.raises(InvalidInput, match="'colour'"):
        host.guests.list(filters={"colour": "red"})


def test_nobody_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        wirt.Client(f"unix://{tmp_path}/none").info()


def test_a_guests_life(host: wirt.Client, engine: MemoryEngine) -> None:
    guest = host.guests.create("busybox", "serve", name="web", labels={"a": "b"})
    assert (guest.name, guest.state, guest.warnings) == ("web", GuestState.CREATED, ())
    guest.start()
    assert guest.view(size=True).size_rw == 5
    assert host.guests.get(guest.id[:6]).name == "web"
    assert [each.id for each in host.guests.list(filters={"name": "web"})] == [guest.id]
    assert host.guests.summaries(all=True)[0].labels == {"a": "b"}
    guest.update(memory="1m", restart="always")
    assert engine.guests.all[guest.id].spec.resources == Resources(memory=1 << 20)
    guest.rename("two")
    assert guest.name == "two"
    guest.pause()
    assert guest.state == "paused"
    guest.unpause()
    with pytest.raises(Conflict):
        guest.remove()
    guest.stop(timeout=1.5, signal="SIGINT")
    assert engine.guests.calls[-1] == ("stop", guest.id, 1.5, "SIGINT")
    assert guest.wait() == guest.exit_code == 0
    guest.remove(volumes=True)
    assert host.guests.list(all=True) == []


def test_a_guest_without_a_name_learns_it(host: wirt.Client, engine: MemoryEngine) -> None:
    guest = host.guests.run("busybox")
    engine.guests.all[guest.id].spec = engine.guests.all[guest.id].spec.__class__("busybox", name="chosen")
    assert guest.name == "chosen"


def test_a_guest_as_a_context_is_removed(host: wirt.Client, engine: MemoryEngine) -> None:
    with host.guests.run("busybox", "serve") as guest:
        assert guest.id in engine.guests.all
    assert not engine.guests.all
    with host.guests.run("busybox", "serve") as guest:
        guest.remove(force=True)  # is no error at the end


def test_exec_and_spawn(host: wirt.Client, engine: MemoryEngine) -> None:
    with host.guests.run("busybox", "serve") as guest:
        assert guest.exec("exit 4", env={"A": "1"}).exit_code == 4
        assert guest.exec("cat", input=b"x").stdout == "catx"
        assert guest.spawn(["sleep", "1"], user="nobody") == "e" * 64
        assert engine.guests.calls[-1][1].user == "nobody"  # type: ignore[attr-defined]


def test_looking_at_a_guest(host: wirt.Client) -> None:
    with host.guests.run("busybox", "serve", name="web") as guest:
        assert guest.logs(tail=5) == "out\nerr\n"
        followed = guest.logs(follow=True)
        assert [next(followed) for _ in range(3)] == ["out", "err", "more"]
        followed.close()  # type: ignore[attr-defined]
        assert guest.stats().cpu_seconds == 1.25
        samples = guest.stats(stream=True)
        assert [next(samples).name for _ in range(3)] == ["web"] * 3
        samples.close()  # type: ignore[attr-defined]
        assert guest.top("-ef").processes == (("1", "-ef"),)
        guest.kill()
        with pytest.raises(NotFound, match="does not run"):
            guest.stats()


def test_files_of_a_guest(host: wirt.Client, engine: MemoryEngine, tmp_path: Path) -> None:
    with host.guests.run("busybox", "serve") as guest:
        guest.write_file("/etc/x", "hello")
        stored = engine.guests.all[guest.id].files
        stored["/etc/x"] = stored.pop("/etc")  # the double keeps archives as they are
        assert guest.read_file("/etc/x") == b"hello"
        (tmp_path / "f").write_text("content")
        guest.cp_to(tmp_path / "f", "/srv")
        (tmp_path / "back").mkdir()
        assert guest.cp_from("/srv", tmp_path / "back").read_text() == "content"
        assert [change.path for change in guest.changes()] == ["/etc/x", "/srv"]
        assert b"".join(guest.export()) == b"everything"
        assert guest.commit("mine", changes=["CMD x"]) == IMAGE_ID


def test_images(host: wirt.Client, tmp_path: Path) -> None:
    steps: list[Progress] = []
    assert host.images.list()[0].id == host.images.get("busybox").id == IMAGE_ID
    assert host.images.history("a/b:c")[0].created_by == "a/b:c"
    host.images.tag("busybox", "x/y:1")
    assert host.images.remove("x/y:1", force=True).deleted == (IMAGE_ID,)
    assert host.images.bootstrap("busybox", ["vim"], on_progress=steps.append) == IMAGE_ID
    assert steps[0].text == "busybox"
    host.images.save(["busybox"], tmp_path / "a.tar", format="oci")
    assert (tmp_path / "a.tar").read_text() == "oci busybox"
    (loaded,) = host.images.load(tmp_path / "a.tar", on_progress=steps.append)
    assert (loaded.names, steps[-1].done) == (("size:11",), 11)
    assert host.images.load([b"abc", b"", b"de"])[0].names == ("size:5",)
    assert host.images.import_rootfs([b"xyz"], "r:1", changes=["CMD x"]) == IMAGE_ID
    assert host.images.prune(all=True).reclaimed == 0
    with pytest.raises(CorruptData, match="not an image archive"):
        host.images.load([b"bad", bytes(1 << 20)])
    with pytest.raises(CorruptData, match="second layer"):
        host.images.load([b"late"])


def test_networks_and_volumes(host: wirt.Client, engine: MemoryEngine) -> None:
    assert host.networks.create("lan", subnet="10.1.0.0/24").subnet == "10.1.0.0/24"
    assert [network.name for network in host.networks.list()] == ["bridge", "lan"]
    with host.guests.run("busybox", "serve") as guest:
        host.networks.connect("lan", guest, aliases=["db"])
        host.networks.disconnect("lan", "web", force=True)
        assert engine.networks.calls == [
            ("connect", "lan", guest.id, ("db",), ""),
            ("disconnect", "lan", "web", True),
        ]
    assert host.networks.get("lan").guests == {}
    host.networks.remove("lan")
    assert host.networks.prune().deleted == ()
    assert host.volumes.create("data", labels={"a": "b"}).labels == {"a": "b"}
    assert host.volumes.get("data").mountpoint == "/volumes/data"
    host.volumes.remove("data")
    host.volumes.remove("data", force=True)
    assert host.volumes.list() == ()
    assert host.volumes.prune(all=True).deleted == ()


def test_the_host_itself(host: wirt.Client) -> None:
    assert host.info().name == "memory"
    assert host.disk_usage().images.things[0].size == 10
    assert host.prune_cache().reclaimed == 7
    assert host.prune_cache().deleted == ()
    assert host.version().version == wirt.__version__
    assert host.doctor()[0].level == "ok"
    events = host.events()
    host.guests.create("busybox")
    assert next(events).action == "create"
    events.close()  # type: ignore[attr-defined]


def test_a_stream_that_breaks_off_is_an_error(host: wirt.Client, engine: MemoryEngine) -> None:
    with host.guests.run("busybox", "serve") as guest:
        engine.guests.all[guest.id].files["/"] = BROKEN
        with pytest.raises(RuntimeFailure, match="broke off"):
            b"".join(guest.export())
