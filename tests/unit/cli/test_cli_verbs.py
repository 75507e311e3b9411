"""What each verb asks of the daemon, and what it prints of the answer."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from wirt.cli.guest_columns import ports_text

GUEST: dict[str, Any] = {
    "id": "ab" * 32, "name": "web", "kind": "container", "image": "docker.io/library/busybox:latest",
    "image_id": "sha256:" + "cd" * 32, "command": "sleep 1000", "created": 0.0, "state": "running",
    "status": "Up 3 minutes (healthy)", "labels": {"a": "1"}, "mounts": ["data"], "networks": ["bridge"],
    "ports": [
        {"guest_port": 80, "host_port": 8080, "protocol": "tcp", "host_ip": "127.0.0.1"},
        {"guest_port": 90, "host_port": 0, "protocol": "udp", "host_ip": ""},
        {"guest_port": 91, "host_port": 91, "protocol": "tcp", "host_ip": "::1"},
    ],
    "size_rw": None, "size_root_fs": None,
}  # fmt: skip


SIMPLE = [
    ("start a", "POST /v1/guests/a/start", [], b""),
    ("stop a", "POST /v1/guests/a/stop", [], b""),
    ("stop -t 3 -s HUP a", "POST /v1/guests/a/stop", [("timeout", "3"), ("signal", "HUP")], b""),
    ("stop -t -1 a", "POST /v1/guests/a/stop", [("timeout", "1000000000")], b""),
    ("restart --time 0 a", "POST /v1/guests/a/restart", [("timeout", "0")], b""),
    ("kill -s 9 a", "POST /v1/guests/a/kill", [("signal", "9")], b""),
    ("pause a", "POST /v1/guests/a/pause", [], b""),
    ("unpause a", "POST /v1/guests/a/unpause", [], b""),
    ("rm -fv a", "DELETE /v1/guests/a", [("force", "1"), ("volumes", "1")], b""),
    ("guest rm a", "DELETE /v1/guests/a", [("force", "0"), ("volumes", "0")], b""),
    ("rename a b", "POST /v1/guests/a/rename", [("name", "b")], b""),
    ("exec -d -e A=1 -u me a ls -l", "POST /v1/guests/a/exec", [],
     {"spec": {"detach": True, "env": ["A=1"], "user": "me", "command": ["ls", "-l"]}}),
    ("tag a/b:1 c", "POST /v1/images/a/b:1/tag", [("target", "c")], b""),
    ("network rm n", "DELETE /v1/networks/n", [], b""),
    ("network connect --alias x --ip 10.0.0.2 n a", "POST /v1/networks/n/connect", [],
     {"aliases": ["x"], "ip": "10.0.0.2", "guest": "a"}),
    ("network disconnect -f n a", "POST /v1/networks/n/disconnect", [], {"force": True, "guest": "a"}),
    ("volume rm -f v", "DELETE /v1/volumes/v", [("force", "1")], b""),
]  # fmt: skip


@pytest.mark.parametrize("case", SIMPLE, ids=[case[0] for case in SIMPLE])
def test_verb_asks_for_what_its_flags_say(daemon, wirt, case: Any) -> None:
    line, target, query, body = case
    daemon.answers[target] = 204
    assert wirt(*line.split()) == 0, wirt.err
    asked = daemon.last
    assert (f"{asked.method} {asked.path}", asked.query, asked.body) == (target, query, body)


def test_update_shows_what_the_daemon_warns_of(daemon, wirt) -> None:
    daemon.answers["POST /v1/guests/a/update"] = {"warnings": ["no swap here"]}
    assert wirt("update", "-m", "1g", "--restart", "no", "a") == 0
    assert (wirt.out, wirt.err) == ("a\n", "wirt: warning: no swap here\n")
    assert daemon.last.body == {"memory": 1 << 30, "restart": {"mode": "no", "max_retries": 0}}


MADE = [
    ("create --name a busybox ls", "POST /v1/guests",
     {"name": "a", "image": "busybox", "command": ["ls"]}, {"id": "x"}),
    ("run -d busybox", "POST /v1/guests/run", {"spec": {"image": "busybox"}}, {"id": "x"}),
    ("commit -a me -c CMD --pause=false a n:1", "POST /v1/guests/a/commit",
     {"author": "me", "changes": ["CMD"], "pause": False, "name": "n:1"}, {"id": "x"}),
    ("network create --internal --subnet 10.0.0.0/8 -o a=b n", "POST /v1/networks",
     {"internal": True, "subnet": "10.0.0.0/8", "options": {"a": "b"}, "name": "n"}, {"id": "x"}),
    ("volume create --label a=b v", "POST /v1/volumes", {"labels": {"a": "b"}, "name": "v"}, {"name": "x"}),
    ("volume create", "POST /v1/volumes", {"name": ""}, {"name": "x"}),
]  # fmt: skip


@pytest.mark.parametrize("case", MADE, ids=[case[0] for case in MADE])
def test_verb_that_makes_prints_what_it_is_called(daemon, wirt, case: Any) -> None:
    line, target, body, answer = case
    daemon.answers[target] = answer
    assert wirt(*line.split()) == 0, wirt.err
    assert daemon.last.body == body
    assert wirt.out == "x\n"


def test_warnings_of_a_new_guest_are_passed_on(daemon, wirt) -> None:
    daemon.answers["POST /v1/guests/run"] = {"id": "x", "warnings": ["no swap here"]}
    assert wirt("run", "-d", "busybox") == 0
    assert (wirt.out, wirt.err) == ("x\n", "wirt: warning: no swap here\n")


def test_one_of_many_that_fails_does_not_stop_the_others(daemon, wirt) -> None:
    daemon.answers |= {"POST /v1/guests/a/kill": 204, "POST /v1/guests/c/kill": 204}
    assert wirt("kill", "a", "b", "c") == 125
    assert wirt.out == "a\nc\n"
    assert wirt.err == "wirt: no such thing\nhint: look elsewhere\n"


def test_rm_f_does_not_mind_what_is_gone(daemon, wirt) -> None:
    assert wirt("rm", "-f", "a") == 0
    assert wirt("rm", "a") == 125


def test_wait_prints_exit_codes(daemon, wirt) -> None:
    daemon.answers["POST /v1/guests/a/wait"] = {"exit_code": 7}
    assert wirt("wait", "--condition", "removed", "a") == 0
    assert wirt.out == "7\n"
    assert daemon.last.query == [("condition", "removed")]


def test_ps_is_a_table(daemon, wirt) -> None:
    daemon.answers["GET /v1/guests"] = [{**GUEST, "created": time.time() - 200}]
    assert wirt("ps", "-a", "--filter", "name=w", "-n", "3") == 0
    assert daemon.last.query == [("all", "1"), ("last", "3"), ("size", "0"), ("filter", "name=w")]
    header, line = wirt.out.splitlines()
    assert header.split() == ["GUEST", "ID", "IMAGE", "KIND", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]
    cells = ["abababababab", "busybox:latest", "container", '"sleep 1000"', "3 minutes ago", "Up 3 minutes (healthy)"]
    assert line == "   ".join([*cells, "127.0.0.1:8080->80/tcp, [::1]:91->91/tcp, 90/udp", "web"])


@pytest.mark.parametrize(
    ("ports", "text"),
    [
        ([], ""),
        ([(80, 0, "")], "80/tcp"),
        ([(80, 0, ""), (81, 0, ""), (83, 0, "")], "80-81/tcp, 83/tcp"),
        ([(81, 9001, ""), (80, 9000, "")], "0.0.0.0:9000-9001->80-81/tcp"),
        ([(80, 9000, ""), (81, 9005, "")], "0.0.0.0:9000->80/tcp, 0.0.0.0:9005->81/tcp"),
        ([(80, 9000, "::1"), (81, 9001, "::2")], "[::1]:9000->80/tcp, [::2]:9001->81/tcp"),
        ([(80, 9000, ""), (81, 0, "")], "0.0.0.0:9000->80/tcp, 81/tcp"),
    ],
)
def test_ports_that_follow_each_other_are_a_range(ports: list[tuple[int, int, str]], text: str) -> None:
    rows = [{"guest_port": g, "host_port": h, "host_ip": ip, "protocol": "tcp"} for g, h, ip in ports]
    assert ports_text(rows) == text


def test_ps_of_nothing_is_a_header(daemon, wirt) -> None:
    daemon.answers["GET /v1/guests"] = []
    assert wirt("ps") == 0
    assert wirt.out == "GUEST ID   IMAGE   KIND   COMMAND   CREATED   STATUS   PORTS   NAMES\n"
    assert wirt("ps", "-q") == 0
    assert wirt.out == ""


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["-q"], "abababababab\n"),
        (["-q", "--no-trunc"], "ab" * 32 + "\n"),
        (
            ["--format", "{{.ID}} {{.Names}} {{.Labels}} {{.Networks}} {{.Mounts}}"],
            "abababababab web a=1 bridge data\n",
        ),
        (["--format", '{{.Label "a"}}{{.Kind}}{{.State}}{{.image_id | len}}'], "1containerrunning71\n"),
        (["--format", "table {{.Names}}"], "NAMES\nweb\n"),
    ],
)
def test_ps_takes_a_format(daemon, wirt, flags: list[str], text: str) -> None:
    daemon.answers["GET /v1/guests"] = [GUEST]
    assert wirt("ps", *flags) == 0
    assert wirt.out == text


def test_ps_format_json_is_an_object_a_line(daemon, wirt) -> None:
    daemon.answers["GET /v1/guests"] = [GUEST, GUEST]
    assert wirt("ps", "--format", "json") == 0
    assert [json.loads(line) for line in wirt.out.splitlines()] == [GUEST, GUEST]


def test_ps_s_measures_what_guests_wrote(daemon, wirt) -> None:
    daemon.answers["GET /v1/guests"] = [{**GUEST, "size_rw": 2000, "size_root_fs": 5_000_000}]
    assert wirt("ps", "-s", "--format", "{{.Size}}") == 0
    assert wirt.out == "2kB (virtual 5MB)\n"


IMAGE: dict[str, Any] = {
    "id": "sha256:" + "cd" * 32, "names": ["docker.io/library/a:1", "localhost:5000/b/c:2"], "created": 0.0,
    "size": 4_260_000, "labels": {}, "digest": "sha256:" + "ef" * 32,
}  # fmt: skip


def test_images_have_a_line_for_every_name(daemon, wirt) -> None:
    daemon.answers["GET /v1/images"] = [IMAGE, {**IMAGE, "names": []}]
    assert wirt("images", "--digests") == 0
    header, *lines = [line.split() for line in wirt.out.splitlines()]
    assert header == ["REPOSITORY", "TAG", "DIGEST", "IMAGE", "ID", "CREATED", "SIZE"]
    assert [line[:2] for line in lines] == [["a", "1"], ["localhost:5000/b/c", "2"], ["<none>", "<none>"]]
    assert lines[0][2:] == ["sha256:" + "ef" * 32, "cdcdcdcdcdcd", "N/A", "4.26MB"]
    assert wirt("image", "ls", "-aq", "a") == 0
    assert wirt.out == "cdcdcdcdcdcd\n" * 2
    assert daemon.last.query == [("filter", "reference=a")]


def test_image_rm_tells_what_went(daemon, wirt) -> None:
    daemon.answers["DELETE /v1/images/a"] = {"untagged": ["a:1"], "deleted": ["sha256:1"], "reclaimed": 1}
    assert wirt("rmi", "-f", "a") == 0
    assert wirt.out == "Untagged: a:1\nDeleted: sha256:1\n"


def test_history_networks_and_volumes_are_tables(daemon, wirt) -> None:
    daemon.answers["GET /v1/images/a/history"] = [
        {"created": 0.0, "created_by": "CMD sh", "size": 12, "comment": "c", "empty_layer": True}
    ]
    assert wirt("history", "a") == 0
    assert wirt.out.splitlines()[1].split() == ["N/A", "CMD", "sh", "12B", "c"]
    daemon.answers["GET /v1/networks"] = [
        {"id": "12" * 32, "name": "shop", "driver": "bridge", "subnet": "10.1.0.0/16", "internal": True, "labels": {},
         "created": 0.0}
    ]  # fmt: skip
    assert wirt("network", "ls") == 0
    assert wirt.out.splitlines()[1].split() == ["121212121212", "shop", "bridge", "10.1.0.0/16"]
    daemon.answers["GET /v1/volumes"] = [
        {"name": "data", "driver": "local", "mountpoint": "/m", "labels": {}, "created": 0.0}
    ]
    assert wirt("volume", "ls", "-q") == 0
    assert wirt.out == "data\n"


VIEW: dict[str, Any] = {
    "id": "ab", "name": "web", "env": ["A=1"], "labels": {"l": "1"}, "state": {"status": "running", "health": None},
    "network_settings": {"ip_address": "10.0.0.2", "ports": GUEST["ports"]},
    "config": {
        "image": "busybox", "tty": False, "open_stdin": False, "env": [], "labels": {},
        "network": "bridge", "ports": [],
        "resources": {"memory": None, "cpus": 1.5}, "restart": {"mode": "always", "max_retries": 0},
    },
}  # fmt: skip


def test_inspect_is_an_array_of_all_there_is(daemon, wirt) -> None:
    daemon.answers["GET /v1/guests/web"] = VIEW
    assert wirt("inspect", "web") == 0
    assert json.loads(wirt.out) == [VIEW]


def test_inspect_looks_for_any_kind_of_thing(daemon, wirt) -> None:
    daemon.answers["GET /v1/images/a/json"] = {"id": "image"}
    daemon.answers["GET /v1/networks/n"] = {"network": {"id": "network"}, "guests": {}}
    daemon.answers["GET /v1/volumes/v"] = {"name": "volume"}
    assert wirt("inspect", "a", "n", "none", "v") == 125
    assert json.loads(wirt.out) == [{"id": "image"}, {"id": "network", "guests": {}}, {"name": "volume"}]
    assert wirt.err == "wirt: no such guest or image or network or volume: none\n"
    assert wirt("inspect", "--type", "volume", "a") == 125
    assert wirt.err == "wirt: no such volume: a\n"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{.State.Status}} {{.NetworkSettings.IPAddress}}", "running 10.0.0.2"),
        ("{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.NetworkMode}}", "0 always bridge"),
        ("{{.Config.Env}} {{json .Config.Labels}}", '[A=1] {"l":"1"}'),
    ],
)
def test_inspect_knows_docker_s_places(daemon, wirt, template: str, text: str) -> None:
    daemon.answers["GET /v1/guests/web"] = VIEW
    assert wirt("inspect", "-f", template, "web") == 0
    assert wirt.out == text + "\n"


def test_port_shows_where_a_guest_can_be_reached(daemon, wirt) -> None:
    daemon.answers["GET /v1/guests/web"] = VIEW
    assert wirt("port", "web") == 0
    assert "80/tcp -> 127.0.0.1:8080\n" in wirt.out
    assert wirt("port", "web", "80") == wirt("port", "web", "80/tcp") == 0
    assert wirt.out == "127.0.0.1:8080\n"
    assert wirt("port", "web", "80/udp") == 125
    assert "port 80/udp of guest web is not published" in wirt.err


def test_logs_keep_the_two_streams_apart(daemon, wirt_fd) -> None:
    frames = b"\1\0\0\0\0\0\0\4out\n\2\0\0\0\0\0\0\4err\n\1\0\0\0\0\0\0\4more"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    daemon.answers["GET /v1/guests/web/logs"] = head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(frames), frames)
    assert wirt_fd("logs", "-t", "--tail", "5", "--since", "1.5", "web") == 0
    assert (wirt_fd.out, wirt_fd.err) == ("out\nmore", "err\n")
    assert daemon.last.query == [("follow", "0"), ("since", "1.5"), ("tail", "5"), ("timestamps", "1")]


def ndjson(*values: object) -> bytes:
    return b"HTTP/1.1 200 OK\r\n\r\n" + b"".join(json.dumps(value).encode() + b"\n" for value in values)


def test_events_are_a_line_each(daemon, wirt) -> None:
    event = {
        "time": 1700000000.25,
        "type": "guest",
        "action": "start",
        "id": "ab",
        "attributes": {"n": "w", "a": "\x1b"},
    }
    daemon.answers["GET /v1/events"] = ndjson(event)
    assert wirt("events") == 0
    assert wirt.out.endswith(" guest start ab (a=\ufffd, n=w)\n")
    assert wirt("events", "--format", "{{.Type}}:{{.Action}}", "--filter", "type=guest") == 0
    assert wirt.out == "guest:start\n"
    assert wirt("events", "--format", "json") == 0
    assert json.loads(wirt.out) == event


PROGRESS = {"task": "a", "text": "Unpacking a", "done": 1, "total": 2, "unit": "bytes"}


def test_load_sends_a_file_and_tells_what_came_of_it(daemon, wirt, tmp_path) -> None:
    archive = tmp_path / "a.tar"
    archive.write_bytes(b"x" * 500_000)
    daemon.answers["POST /v1/images/load"] = ndjson(
        {"progress": PROGRESS}, {"progress": PROGRESS}, {"image": "sha256:1", "names": ["docker.io/library/a:1"]},
        {"image": "sha256:2", "names": []},
    )  # fmt: skip
    assert wirt("load", "-i", str(archive)) == 0
    assert (wirt.out, wirt.err) == ("Loaded image: a:1\nLoaded image ID: sha256:2\n", "Unpacking a\n")
    assert daemon.last.body == b"x" * 500_000
    assert wirt("load", "-q", "-i", str(archive)) == 0
    assert wirt.err == ""


def test_load_that_fails_says_why(daemon, wirt, tmp_path) -> None:
    (tmp_path / "a.tar").touch()
    problem = {"error": "corrupt_data", "message": "not an image", "hint": "", "exit_code": 125}
    daemon.answers["POST /v1/images/load"] = ndjson({"progress": PROGRESS}, {"error": problem})
    assert wirt("load", "-i", str(tmp_path / "a.tar")) == 125
    assert wirt.err == "Unpacking a\nwirt: not an image\n"
    assert wirt("load", "-i", str(tmp_path / "none.tar")) == 125
    assert wirt.err == f"wirt: {tmp_path}/none.tar: No such file or directory\n"


def test_bootstrap_and_import_print_what_they_made(daemon, wirt, tmp_path) -> None:
    daemon.answers["POST /v1/images/bootstrap"] = ndjson({"image": "sha256:1", "names": ["a:1"]})
    assert wirt("image", "bootstrap", "debian:bookworm", "-p", "git", "-t", "a:1") == 0
    assert wirt.out == "Made image: a:1\n"
    assert daemon.last.body == {"packages": ["git"], "name": "a:1", "recipe": "debian:bookworm"}
    (tmp_path / "r.tar").touch()
    daemon.answers["POST /v1/images/import"] = ndjson({"image": "sha256:1", "names": []})
    assert wirt("import", "-c", "CMD a", "-c", "ENV b", str(tmp_path / "r.tar"), "n:1") == 0
    assert wirt.out == "sha256:1\n"
    assert daemon.last.query == [("name", "n:1"), ("change", "CMD a"), ("change", "ENV b")]


def test_save_writes_a_file_whole_or_not_at_all(daemon, wirt, tmp_path) -> None:
    target = tmp_path / "a.tar"
    daemon.answers["GET /v1/images/save"] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntarr"
    assert wirt("save", "-o", str(target), "a", "b") == 0
    assert target.read_bytes() == b"tarr"
    assert daemon.last.query == [("name", "a"), ("name", "b")]
    daemon.answers["GET /v1/images/save"] = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
    assert wirt("save", "-o", str(target), "a") == 125
    assert "in the middle of its answer" in wirt.err
    assert [path.name for path in tmp_path.iterdir() if "tar" in path.name] == ["a.tar"]
    assert target.read_bytes() == b"tarr"


def test_export_goes_to_standard_output(daemon, wirt_fd) -> None:
    daemon.answers["GET /v1/guests/a/export"] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntarr"
    assert wirt_fd("export", "a") == 0
    assert wirt_fd.out == "tarr"


@pytest.mark.parametrize("answer", ["", "n\n", "no\n", "yesno\n"])
def test_prune_asks_before(daemon, wirt, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    assert wirt("guest", "prune") == 0
    assert daemon.asked == []
    assert "Continue? [y/N]" in wirt.out


def test_prune_tells_what_went(daemon, wirt) -> None:
    daemon.answers["POST /v1/volumes/prune"] = {"deleted": ["data"], "reclaimed": 2_000_000}
    assert wirt("volume", "prune", "-f", "--all", "--filter", "label=x=y") == 0
    assert wirt.out == "removed volumes:\ndata\n\nspace reclaimed: 2MB\n"
    assert daemon.last.query == [("all", "1"), ("filter", "label=x=y")]


def test_system_prune_goes_from_guests_to_images(daemon, wirt) -> None:
    for kind in ("guests", "networks", "volumes", "images", "cache"):
        daemon.answers[f"POST /v1/{kind}/prune"] = {"deleted": [kind], "reclaimed": 1000}
    assert wirt("system", "prune", "-f", "-a", "--volumes") == 0
    kinds = ["guests", "networks", "volumes", "images", "cache"]
    assert [asked.path.split("/")[2] for asked in daemon.asked] == kinds
    assert [asked.query for asked in daemon.asked[-2:]] == [[("all", "1")], []]
    assert "space reclaimed: 5kB" in wirt.out


def test_system_prune_leaves_the_cache_unless_it_is_asked_for(daemon, wirt) -> None:
    for kind in ("guests", "networks", "images"):
        daemon.answers[f"POST /v1/{kind}/prune"] = {"deleted": [], "reclaimed": 0}
    assert wirt("system", "prune", "-f") == 0
    assert [asked.path.split("/")[2] for asked in daemon.asked] == ["guests", "networks", "images"]


def test_events_until_the_beginning_of_time_ask_for_it(daemon, wirt) -> None:
    daemon.answers["GET /v1/events"] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    assert wirt("events", "--until", "0") == 0
    assert ("until", "0.0") in daemon.last.query


def test_system_df_sums_up_and_lists(daemon, wirt) -> None:
    nothing = {"total": 0, "active": 0, "size": 0, "reclaimable": 0, "things": []}
    thing = {"id": "sha256:" + "ab" * 32, "name": "docker.io/library/a:1", "size": 2000, "guests": 1, "active": True}
    images = {"total": 1, "active": 1, "size": 3000, "reclaimable": 1000, "things": [thing]}
    daemon.answers["GET /v1/system/df"] = {"images": images, "guests": nothing, "volumes": nothing, "cache": nothing}
    assert wirt("system", "df") == 0
    header, first, second, *_ = wirt.out.splitlines()
    assert header.split() == ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"]
    assert (first.split(), second.split()) == (
        ["Images", "1", "1", "3kB", "1kB", "(33%)"],
        ["Guests", "0", "0", "0B", "0B"],
    )
    assert wirt("system", "df", "--format", "json") == 0
    assert json.loads(wirt.out.splitlines()[0]) == {
        "type": "Images", "total": 1, "active": 1, "size": 3000, "reclaimable": 1000,
    }  # fmt: skip
    assert wirt("system", "df", "--format", "{{.Type}}: {{.Size}}") == 0
    assert wirt.out.splitlines()[0] == "Images: 3kB"
    assert wirt("system", "df", "-v") == 0
    assert wirt.out.splitlines()[0] == "Images: 3kB"
    assert "abababababab   a:1    2kB    1        yes" in wirt.out


FINDINGS = [
    {"subject": "kvm", "level": "ok", "found": "works", "meaning": "", "remedy": ""},
    {"subject": "cgroups", "level": "fail", "found": "none", "meaning": "nothing runs", "remedy": "mount them"},
]


def test_doctor_says_what_was_found_and_how_to_mend_it(daemon, wirt) -> None:
    daemon.answers["GET /v1/doctor"] = FINDINGS
    assert wirt("doctor") == 1
    assert wirt.out.splitlines()[:4] == [
        "OK    kvm      works", "FAIL  cgroups  none", "               nothing runs", "               -> mount them",
    ]  # fmt: skip
    daemon.answers["GET /v1/doctor"] = FINDINGS[:1]
    assert wirt("doctor", "--format", "json") == 0
    assert json.loads(wirt.out) == FINDINGS[0]


def test_info_and_version(daemon, wirt) -> None:
    daemon.answers["GET /v1/info"] = {
        "version": "1", "name": "h", "kernel": "6", "os": "Debian", "architecture": "x86_64", "cpus": 2,
        "memory": 1 << 30, "state_dir": "/s", "run_dir": "/r", "cgroup": "v2", "runtime": "runc",
        "kinds": ["container"],
        "guests": 3, "guests_running": 1, "guests_paused": 0, "guests_stopped": 2, "images": 4, "warnings": ["hm"],
    }  # fmt: skip
    assert wirt("info") == 0
    assert "Guests          3: 1 running, 0 paused, 2 stopped\n" in wirt.out
    assert wirt.out.endswith("warning: hm\n")
    assert wirt("system", "info", "-f", "{{.Kinds}}") == 0
    assert wirt.out == "[container]\n"
    daemon.answers["GET /v1/version"] = {
        "version": "1", "api": "v1", "python": "3.11", "kernel": "6", "architecture": "x86_64",
    }  # fmt: skip
    assert wirt("version") == 0
    assert "daemon   wirt 1, API v1, Python 3.11\n" in wirt.out
    assert wirt("version", "-f", "{{.Server.Version}}") == 0
    assert wirt.out == "1\n"


def test_top_and_diff(daemon, wirt) -> None:
    daemon.answers["GET /v1/guests/a/top"] = {"titles": ["PID", "CMD"], "processes": [["1", "sh"]]}
    assert wirt("top", "a", "-o", "pid,args") == 0
    assert wirt.out == "PID   CMD\n1     sh\n"
    assert daemon.last.query == [("args", "-o pid,args")]
    daemon.answers["GET /v1/guests/a/changes"] = [{"kind": "A", "path": "/new\n"}, {"kind": "D", "path": "/old"}]
    assert wirt("diff", "a") == 0
    assert wirt.out == "A /new\ufffd\nD /old\n"


SAMPLE: dict[str, Any] = {
    "id": "ab" * 32, "name": "web", "time": 0.0, "cpu_seconds": 1.0, "cpu_system_seconds": 10.0, "cpus_online": 2,
    "throttled_seconds": 0.0, "memory_usage": 1 << 20, "memory_limit": 4 << 20, "pids": 3, "pids_limit": 0,
    "net_rx": 1000, "net_tx": 2000, "block_read": 0, "block_write": 5,
}  # fmt: skip


def test_stats_are_the_difference_of_two_samples(daemon, wirt) -> None:
    later = {**SAMPLE, "cpu_seconds": 1.5, "cpu_system_seconds": 12.0}
    daemon.answers["GET /v1/guests/stats"] = ndjson([SAMPLE], [later], [later])
    assert wirt("stats", "--no-stream", "web") == 0
    assert daemon.last.query == [("stream", "1"), ("ref", "web")]
    cells = ["abababababab", "web", "50.00%", "1MiB / 4MiB", "25.00%", "1kB / 2kB", "0B / 5B", "3"]
    assert wirt.out.splitlines()[1].split() == " ".join(cells).split()
