"""The API over the real engine: what only real guests can show."""

from __future__ import annotations

import json
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

import wirt
from framework.instance import Instance
from framework.wire import read_frames, read_head, request
from wirt.client.address import Address
from wirt.client.transport import Transport
from wirt.errors import Conflict, ImageNotFound, InvalidInput, StartFailed
from wirt.keeper.frames import FrameReader, FrameType, encode

pytestmark = pytest.mark.root


@pytest.fixture
def client(host: Instance) -> Iterator[wirt.Client]:
    client = wirt.Client(f"unix://{host.socket}")
    yield client
    for guest in client.guests.list(all=True):
        guest.remove(force=True)


def raw(host: Instance) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(30)
    sock.connect(str(host.socket))
    return sock


def upgraded(host: Instance, target: str, body: object) -> socket.socket:
    sock = raw(host)
    sock.sendall(request("POST", target, body, Connection="Upgrade", Upgrade="wirt"))
    assert read_head(sock)[0] == 101
    return sock


def test_run_streams_input_and_output(client: wirt.Client) -> None:
    data = bytes(range(256)) * 8192  # two megabytes: more than every buffer on the way
    result = client.run("busybox", "cat", input=data, network="none")
    assert (result.exit_code, result.stdout_bytes == data) == (0, True)


def test_run_keeps_the_streams_apart_and_the_exit_code(client: wirt.Client) -> None:
    result = client.run("busybox", ["sh", "-c", "echo out; echo err >&2; exit 9"], network="none")
    assert (result.exit_code, result.stdout, result.stderr) == (9, "out\n", "err\n")


def test_run_of_a_missing_program_is_127_and_leaves_nothing(client: wirt.Client) -> None:
    with pytest.raises(StartFailed) as caught:
        client.run("busybox", "no-such-program", network="none")
    assert caught.value.exit_code == 127
    assert list(client.guests.list(all=True)) == []


def test_run_of_a_missing_image_is_404(host: Instance) -> None:
    with pytest.raises(ImageNotFound):
        wirt.Client(f"unix://{host.socket}").run("no/such:image")


def test_run_whose_client_leaves_goes_on(host: Instance, client: wirt.Client) -> None:
    started = client.events(filters={"event": "start"})
    spec = {"image": "busybox", "command": ["sleep", "60"], "name": "goes-on", "network": "none"}
    upgraded(host, "/v1/guests/run", {"spec": spec}).close()
    next(started)
    assert client.guests.get("goes-on").exec("true").exit_code == 0


def test_run_outlives_the_daemon_while_attached(own_host: Instance) -> None:
    client = wirt.Client(f"unix://{own_host.socket}")
    spec = {"image": "busybox", "command": ["cat"], "open_stdin": True, "network": "none", "name": "cat"}
    with upgraded(own_host, "/v1/guests/run", {"spec": spec, "stdin": True}) as sock:
        sock.sendall(encode(FrameType.STDIN, b"before "))
        assert sock.recv(100)
        own_host.end_daemon(signal.SIGKILL)
        sock.sendall(encode(FrameType.STDIN, b"after") + encode(FrameType.STDIN))
        assert read_frames(sock) == (b"after", 0)
    own_host.ok("version")  # starts the next daemon
    assert client.guests.get("cat").exit_code == 0
    assert client.guests.get("cat").logs() == "before after"
    client.guests.get("cat").remove()


def test_run_with_a_terminal_has_the_asked_size_and_follows_resizes(host: Instance) -> None:
    shell = "stty size; read line; stty size"
    spec = {"image": "busybox", "command": ["sh", "-c", shell], "tty": True, "open_stdin": True, "network": "none"}
    body = {"spec": {**spec, "auto_remove": True}, "stdin": True, "rows": 31, "cols": 91}
    with upgraded(host, "/v1/guests/run", body) as sock:
        sock.sendall(encode(FrameType.RESIZE, struct.pack(">HH", 40, 120)) + encode(FrameType.STDIN, b"\r"))
        output, code = read_frames(sock)
    assert code == 0
    assert b"31 91" in output or b"40 120" in output
    assert output.rstrip().endswith(b"40 120")


def test_attach_sees_what_comes_and_detaches(host: Instance, client: wirt.Client) -> None:
    client.guests.run("busybox", "cat", name="att", open_stdin=True, tty=True, network="none")
    with upgraded(host, "/v1/guests/att/attach", {"stdin": True}) as sock:
        sock.sendall(encode(FrameType.STDIN, b"hi\r"))
        reader, seen = FrameReader(), b""
        while b"hi\r\nhi" not in seen:
            seen += b"".join(payload for _, payload in reader.feed(sock.recv(1000)))
        sock.sendall(encode(FrameType.STDIN, b"\x10\x11"))  # ctrl-p, ctrl-q
        kinds: list[FrameType] = []
        while data := sock.recv(1000):
            kinds += [kind for kind, _ in reader.feed(data)]
    assert kinds[-1] is FrameType.DETACHED
    assert client.guests.get("att").state == "running"


def test_attach_to_a_guest_that_does_not_run_is_409(host: Instance, client: wirt.Client) -> None:
    client.guests.create("busybox", "true", name="down", network="none")
    with raw(host) as sock:
        sock.sendall(request("POST", "/v1/guests/down/attach", {}, Connection="Upgrade", Upgrade="wirt"))
        status, _, body = read_head(sock)
    assert (status, json.loads(body)["error"]) == (409, "conflict")


def test_exec_runs_beside_the_guest(client: wirt.Client) -> None:
    guest = client.guests.run("busybox", "sleep 60", network="none", env={"A": "1"})
    assert guest.exec(["sh", "-c", "echo $A$B; id -u; pwd"], env={"B": "2"}, user="1000", workdir="/tmp").stdout == (
        "12\n1000\n/tmp\n"
    )
    assert guest.exec("sh -c 'exit 5'").exit_code == 5
    assert guest.exec("cat", input=b"x" * (1 << 20)).stdout_bytes == b"x" * (1 << 20)
    guest.spawn("touch /spawned")
    guest.exec(["sh", "-c", "until test -e /spawned; do sleep 0.01; done"])


def test_logs_followed_end_with_the_guest(client: wirt.Client) -> None:
    guest = client.guests.run("busybox", ["sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.1; done"], network="none")
    assert list(guest.logs(follow=True)) == ["1", "2", "3"]
    assert guest.logs(tail=1) == "3\n"


def test_wait_in_many_connections_answers_all(client: wirt.Client) -> None:
    guest = client.guests.run("busybox", ["sh", "-c", "read line; exit 3"], open_stdin=True, network="none")
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(guest.wait("next-exit"))) for _ in range(10)]
    for thread in threads:
        thread.start()
    guest.kill()
    for thread in threads:
        thread.join(30)
    assert codes in ([137] * 10, [137] * len(codes))


def test_events_tell_a_guests_life_in_order(client: wirt.Client) -> None:
    events = client.events(filters={"type": "guest"})
    client.run("busybox", "true", name="short", network="none")
    actions = []
    for event in events:
        actions.append(event.action)
        if event.action == "destroy":
            break
    assert [action for action in actions if action in ("create", "start", "die", "destroy")] == [
        "create", "start", "die", "destroy",
    ]  # fmt: skip


def test_metrics_show_what_a_guest_uses(host: Instance, client: wirt.Client) -> None:
    busy = "i=0; while test $i -lt 20000; do i=$((i+1)); done; touch /done; sleep 60"
    guest = client.guests.run("busybox", ["sh", "-c", busy], name="busy", network="none", memory="64m")
    guest.exec(["sh", "-c", "until test -e /done; do sleep 0.01; done"])
    with Transport(Address(str(host.socket))).request("GET", "/metrics") as response:
        families = {family.name: family for family in text_string_to_metric_families(response.read().decode())}
    (memory,) = families["wirt_guest_memory_limit_bytes"].samples
    assert (memory.labels["name"], memory.labels["kind"], memory.value) == ("busy", "container", 64 << 20)
    (cpu,) = families["wirt_guest_cpu_seconds"].samples
    assert 0 < cpu.value < 60
    assert any(
        sample.labels.get("operation") == "run_guest" for sample in families["wirt_operation_duration_seconds"].samples
    )


def test_update_takes_hold_at_once(client: wirt.Client) -> None:
    guest = client.guests.run("busybox", "sleep 60", network="none", memory="64m")
    guest.update(memory="96m", pids_limit=50, restart="on-failure:2")
    assert guest.stats().memory_limit == 96 << 20
    assert guest.view().config.resources.pids_limit == 50


def test_names_conflict_and_bad_filters_are_refused(client: wirt.Client) -> None:
    client.guests.create("busybox", name="taken", network="none")
    with pytest.raises(Conflict, match="taken"):
        client.guests.create("busybox", name="taken", network="none")
    for listing in (client.guests.list, client.networks.list, client.volumes.list, client.images.list):
        with pytest.raises(InvalidInput, match="colour"):
            listing(filters={"colour": "red"})
    with pytest.raises(InvalidInput, match="colour"):
        client.events(filters={"colour": "red"})


def test_image_is_either_removed_or_used_by_a_new_guest(host: Instance, client: wirt.Client) -> None:
    base = client.guests.create("busybox", "true", network="none")
    for number in range(20):
        base.commit("contested", message=str(number))
        refused: list[str] = []
        barrier = threading.Barrier(2)

        def remove(barrier: threading.Barrier = barrier, refused: list[str] = refused) -> None:
            barrier.wait(10)
            try:
                wirt.Client(f"unix://{host.socket}").images.remove("contested")
            except Conflict:
                refused.append("remove")

        thread = threading.Thread(target=remove)
        thread.start()
        barrier.wait(10)
        try:
            guest = client.guests.create("contested", "true", network="none")
        except ImageNotFound:
            refused.append("create")
        thread.join(30)
        assert len(refused) == 1
        if refused == ["remove"]:
            guest.start()
            guest.remove(force=True)
            client.images.remove("contested")


def test_a_hundred_short_runs_over_many_connections(host: Instance, client: wirt.Client) -> None:
    codes: list[int] = []

    def run() -> None:
        for _ in range(10):
            codes.append(client.run("busybox", "true", network="none").exit_code)

    threads = [threading.Thread(target=run) for _ in range(10)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert codes == [0] * 100, f"after {time.monotonic() - began:.1f} s"


def test_upgrade_is_also_a_later_request_on_a_real_connection(host: Instance) -> None:
    spec = {"image": "busybox", "command": ["echo", "late"], "network": "none", "auto_remove": True}
    with raw(host) as sock:
        for _ in range(2):
            sock.sendall(request("GET", "/v1/version"))
            assert read_head(sock)[0] == 200
        sock.sendall(request("POST", "/v1/guests/run", {"spec": spec}, Connection="Upgrade", Upgrade="wirt"))
        assert read_head(sock)[0] == 101
        assert read_frames(sock) == (b"late\n", 0)
