"""A real daemon across TCP: TLS, tokens, and everything that works here works there."""

from __future__ import annotations

import http.client
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import wirt
from framework.certificates import self_signed
from framework.instance import Instance
from wirt.errors import Forbidden, Unavailable
from wirt.host.token_file import digest, new_token

pytestmark = pytest.mark.root


@dataclass(frozen=True)
class Remote:
    instance: Instance
    url: str
    token: str
    certificate: str


@pytest.fixture(scope="module")
def remote(
    new_host: Callable[[], Instance], busybox_archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Remote]:
    certificate, key = self_signed(tmp_path_factory.mktemp("tls"))
    token = new_token()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    instance = new_host()
    (instance.folder / "config.toml").write_text(
        f'[listen]\naddress = "127.0.0.1:{port}"\ncertificate = "{certificate}"\nkey = "{key}"\n'
        f'tokens = ["{digest(token)}"]\n'
    )
    try:
        instance.ok("image", "load", "-i", str(busybox_archive))
        yield Remote(instance, f"tcp://localhost:{port}", token, certificate)
    finally:
        instance.close()


@pytest.fixture
def client(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> wirt.Client:
    monkeypatch.setenv("WIRT_TOKEN", remote.token)
    monkeypatch.setenv("WIRT_TLS_CA", remote.certificate)
    return wirt.Client(remote.url)


def test_remote_host_runs_guests(client: wirt.Client) -> None:
    data = bytes(range(256)) * 8192
    result = client.run("busybox", "cat", input=data, network="none")
    assert (result.exit_code, result.stdout_bytes == data) == (0, True)


def test_remote_guest_is_handled_like_a_near_one(client: wirt.Client) -> None:
    with client.guests.run("busybox", ["sh", "-c", "echo up; exec sleep 60"], network="none") as guest:
        assert guest.exec("echo hi").stdout == "hi\n"
        guest.write_file("/tmp/big", b"x" * (3 << 20))
        assert guest.read_file("/tmp/big") == b"x" * (3 << 20)
        assert next(guest.logs(follow=True)) == "up"


def test_remote_without_the_token_is_forbidden(
    remote: Remote, client: wirt.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong in ("", "guess"):
        monkeypatch.setenv("WIRT_TOKEN", wrong)
        with pytest.raises(Forbidden, match="token"):
            wirt.Client(remote.url).info()
        with pytest.raises(Forbidden, match="token"):
            wirt.Client(remote.url).run("busybox", "true")


def test_remote_token_is_accepted_from_its_making_to_its_removal(
    remote: Remote, client: wirt.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = remote.instance.ok("token", "create", "laptop").strip()
    monkeypatch.setenv("WIRT_TOKEN", token)
    assert wirt.Client(remote.url).info()
    remote.instance.ok("token", "rm", "laptop")
    with pytest.raises(Forbidden, match="token"):
        wirt.Client(remote.url).info()


def test_remote_with_an_unknown_certificate_is_not_trusted(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WIRT_TLS_CA", raising=False)
    with pytest.raises(Unavailable, match="not to be trusted"):
        wirt.Client(remote.url).info()


def test_remote_speaks_to_any_http_client(remote: Remote) -> None:
    address = remote.url.removeprefix("tcp://")
    context = ssl.create_default_context(cafile=remote.certificate)
    connection = http.client.HTTPSConnection(address, context=context, timeout=10)
    for _ in range(2):  # kept alive between
        connection.request("GET", "/v1/version", headers={"Authorization": f"Bearer {remote.token}"})
        assert b'"api":"v1"' in connection.getresponse().read()
    connection.close()


def test_the_local_socket_is_for_its_group(remote: Remote) -> None:
    assert stat.S_IMODE(remote.instance.socket.stat().st_mode) == 0o660


def test_a_daemon_refuses_to_listen_unprotected(new_host: Callable[[], Instance]) -> None:
    instance = new_host()
    (instance.folder / "config.toml").write_text('[listen]\naddress = "0.0.0.0:0"\n')
    done = subprocess.run(
        [sys.executable, "-m", "wirt.daemon"], env=instance.env, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 125
    assert "needs tokens" in done.stderr
    assert "Traceback" not in done.stderr
