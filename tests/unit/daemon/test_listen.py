from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from wirt.daemon.listen import inherited_sockets, open_listeners, tcp_listener, unix_socket
from wirt.engine.settings import Listen
from wirt.errors import Conflict, Forbidden, InvalidInput
from wirt.host.token_file import digest

TOKENS = (digest("secret"),)


def test_unix_socket_is_for_its_group_only(tmp_path: Path) -> None:
    path = tmp_path / "run" / "wirt.sock"
    with unix_socket(path, group="root") as sock:
        status = path.stat()
        assert stat.S_IMODE(status.st_mode) == 0o660
        assert status.st_gid == 0 or os.geteuid() != 0
        assert list(path.parent.iterdir()) == [path]
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            sock.accept()[0].close()


@pytest.mark.root
def test_unix_socket_belongs_to_the_named_group(tmp_path: Path) -> None:
    with unix_socket(tmp_path / "s", group="daemon"):
        assert (tmp_path / "s").stat().st_gid == 1
    with unix_socket(tmp_path / "t", group="no-such-group"):
        assert (tmp_path / "t").stat().st_gid == 0


def test_unix_socket_replaces_one_that_nobody_listens_on(tmp_path: Path) -> None:
    unix_socket(tmp_path / "s").close()
    with unix_socket(tmp_path / "s") as sock:
        assert sock.fileno() >= 0


def test_unix_socket_does_not_replace_one_that_answers(tmp_path: Path) -> None:
    with unix_socket(tmp_path / "s"):
        before = (tmp_path / "s").stat().st_ino
        with pytest.raises(Conflict, match="another daemon listens"):
            unix_socket(tmp_path / "s")
        assert (tmp_path / "s").stat().st_ino == before
        assert list(tmp_path.iterdir()) == [tmp_path / "s"]


def test_unix_socket_does_not_replace_a_file(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("precious")
    with pytest.raises(Conflict, match="is not a socket"):
        unix_socket(tmp_path / "s")
    assert (tmp_path / "s").read_text() == "precious"


# -- systemd ----------------------------------------------------------------------------------------


def test_inherited_sockets_are_those_for_this_process() -> None:
    """As systemd does it: descriptors from 3 on, and the process's own id in LISTEN_PID."""
    program = textwrap.dedent("""
        import os, socket
        from wirt.daemon.listen import inherited_sockets
        os.environ["LISTEN_PID"] = str(os.getpid())
        sockets = inherited_sockets()
        print([sock.getsockname() for sock in sockets], [sock.get_inheritable() for sock in sockets])
        print([name for name in os.environ if name.startswith("LISTEN_")], inherited_sockets())
    """)
    with socket.create_server(("127.0.0.1", 0)) as first, socket.socket(socket.AF_UNIX) as second:
        second.bind("\0" + os.urandom(8).hex())
        second.listen()
        name = second.getsockname()

        def arrange() -> None:
            high = [os.dup2(sock.fileno(), 100 + number) for number, sock in enumerate((first, second))]
            for number, fd in enumerate(high):
                os.dup2(fd, 3 + number)

        done = subprocess.run(
            [sys.executable, "-c", program],
            preexec_fn=arrange,
            pass_fds=(3, 4),
            env={**os.environ, "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines() == [f"[{first.getsockname()}, {name!r}] [False, False]", "[] []"]


def test_inherited_sockets_of_another_process_are_left_alone() -> None:
    environ = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "x"}
    assert inherited_sockets(environ) == []
    assert environ == {}


# -- TCP --------------------------------------------------------------------------------------------


def test_tcp_needs_tokens() -> None:
    with pytest.raises(Forbidden, match="needs tokens"):
        tcp_listener(Listen(address="127.0.0.1:0"))


def test_tcp_without_tls_is_for_loopback_only() -> None:
    with pytest.raises(Forbidden, match="needs TLS"):
        tcp_listener(Listen(address="0.0.0.0:0", tokens=TOKENS))
    with pytest.raises(Forbidden, match="needs TLS"):
        tcp_listener(Listen(address="[::]:0", tokens=TOKENS))
    for address in ("127.0.0.1:0", "tcp://localhost:0"):
        listener = tcp_listener(Listen(address=address, tokens=TOKENS))
        listener.sock.close()
        assert (listener.tls, bool(listener.tokens)) == (None, True)


def test_tcp_with_tls_may_listen_anywhere(certificate: tuple[str, str]) -> None:
    listener = tcp_listener(Listen("0.0.0.0:0", *certificate, tokens=TOKENS))
    listener.sock.close()
    assert listener.tls is not None


@pytest.mark.parametrize("address", ["localhost", "localhost:", "localhost:http", "localhost:70000"])
def test_tcp_address_must_have_a_port(address: str) -> None:
    with pytest.raises(InvalidInput, match="is not host:port"):
        tcp_listener(Listen(address=address, tokens=TOKENS))


def test_tcp_port_in_use_is_a_conflict() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(Conflict, match="Address already in use"):
        tcp_listener(Listen(address=f"127.0.0.1:{taken.getsockname()[1]}", tokens=TOKENS))


def test_tcp_certificate_that_cannot_be_read_is_named(certificate: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file"):
        tcp_listener(Listen("0.0.0.0:0", str(tmp_path / "none.pem"), tokens=TOKENS))
    with pytest.raises(InvalidInput, match="cannot be used"):
        tcp_listener(Listen("0.0.0.0:0", certificate[1], certificate[1], tokens=TOKENS))


# -- all --------------------------------------------------------------------------------------------


def test_listeners_close_all_when_one_fails(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(Forbidden):
        open_listeners(tmp_path / "s", Listen(address="127.0.0.1:0"), {})
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_listeners_are_the_socket_and_tcp(tmp_path: Path) -> None:
    listeners = open_listeners(tmp_path / "s", Listen(address="127.0.0.1:0", tokens=TOKENS), {})
    assert [listener.sock.family for listener in listeners] == [socket.AF_UNIX, socket.AF_INET]
    assert listeners[0].path == tmp_path / "s"
    for listener in listeners:
        listener.sock.close()
