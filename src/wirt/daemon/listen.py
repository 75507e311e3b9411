"""The sockets the daemon listens on: its own unix socket, those systemd made for it, TCP where the settings say so."""

from __future__ import annotations

import contextlib
import fcntl
import grp
import ipaddress
import os
import secrets
import socket
import ssl
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wirt.daemon.tokens import Tokens
from wirt.errors import Conflict, Forbidden, InvalidInput

if TYPE_CHECKING:
    from wirt.engine.settings import Listen

__all__ = ["BACKLOG", "Listener", "inherited_sockets", "open_listeners", "tcp_listener", "unix_socket"]

BACKLOG = 1024  # connections that wait to be accepted; past it, connect(2) fails on unix sockets
_FIRST_INHERITED = 3  # SD_LISTEN_FDS_START, sd_listen_fds(3)


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket and who may come in.

    ``tokens`` None: the socket's permissions have decided that. ``path``: the file that goes when we stop listening.
    """

    sock: socket.socket
    tls: ssl.SSLContext | None = None
    tokens: Tokens | None = None
    path: Path | None = None


def open_listeners(
    path: Path, settings: Listen, environ: MutableMapping[str, str] = os.environ, *, tokens: Path | None = None
) -> list[Listener]:
    """Every socket to serve: what systemd handed over, or else ``path``; and TCP if the settings name an address.

    ``tokens``: the file of tokens that are accepted beside those of the settings.
    """
    listeners = [_admission(sock, settings, tokens) for sock in inherited_sockets(environ)]
    try:
        if not any(listener.sock.family == socket.AF_UNIX for listener in listeners):
            listeners.append(Listener(unix_socket(path), path=path))
        if settings.address:
            listeners.append(tcp_listener(settings, tokens))
    except BaseException:
        for listener in listeners:
            listener.sock.close()
        raise
    return listeners


# -- unix ------------------------------------------------------------------------------------------


def unix_socket(path: Path, group: str = "wirt") -> socket.socket:
    """A listening socket at ``path``, for root and ``group`` only. ``Conflict`` if somebody answers there already.

    It is made aside and renamed, so that ``path`` never has a socket that does not listen or that others may use.
    """
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with _locked(path.parent):
        if _somebody_answers(path):
            raise Conflict(f"another daemon listens on {path}", hint="stop it first, or set WIRT_RUN to another folder")
        aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.bind(os.fspath(aside))
            if os.geteuid() == 0:
                os.chown(aside, -1, _group_id(group))
            aside.chmod(0o660)
            sock.listen(BACKLOG)
            aside.rename(path)
        except BaseException:
            aside.unlink(missing_ok=True)
            sock.close()
            raise
    return sock


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Of two daemons that start at once, the second sees the first's socket."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _somebody_answers(path: Path) -> bool:
    """A socket nobody listens on refuses connections (unix(7)); anything else that is there is not ours to replace."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(5)
        try:
            probe.connect(os.fspath(path))
        except FileNotFoundError:
            return False
        except ConnectionRefusedError:
            if not path.is_socket():
                raise Conflict(f"{path} is not a socket", hint="move it out of the way") from None
            return False
        except TimeoutError:
            return True  # its backlog is full
        return True


def _group_id(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return 0


# -- systemd ---------------------------------------------------------------------------------------


def inherited_sockets(environ: MutableMapping[str, str] = os.environ) -> list[socket.socket]:
    """The listening sockets of a systemd socket unit (sd_listen_fds(3)); the variables are used up by this."""
    mine = environ.pop("LISTEN_PID", "") == str(os.getpid())
    count = environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if not (mine and count.isdecimal()):
        return []
    sockets = []
    for fd in range(_FIRST_INHERITED, _FIRST_INHERITED + int(count)):
        os.set_inheritable(fd, False)
        sockets.append(socket.socket(fileno=fd))
    return sockets


# -- TCP -------------------------------------------------------------------------------------------


def tcp_listener(settings: Listen, tokens: Path | None = None) -> Listener:
    """The address of the settings, with the TLS and the tokens it needs."""
    host, port = _parse_address(settings.address)
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise InvalidInput(f"listen.address: {host!r} is no address of this host: {error}") from error
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(place)
        listener = _admission(sock, settings, tokens)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise Conflict(f"cannot listen on {settings.address}: {error.strerror}", hint="choose another port") from error
    except BaseException:
        sock.close()
        raise
    return listener


def _parse_address(address: str) -> tuple[str, int]:
    host, colon, port = address.removeprefix("tcp://").rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise InvalidInput(f"listen.address: {address!r} is not host:port", hint='write "0.0.0.0:2376"')
    return host.strip("[]"), int(port)


def _admission(sock: socket.socket, settings: Listen, token_file: Path | None) -> Listener:
    """What protects ``sock``: its permissions, or tokens, with TLS unless nobody else can listen in."""
    if sock.family == socket.AF_UNIX:
        return Listener(sock)
    tokens = Tokens(settings.tokens, token_file)
    if not tokens:
        raise Forbidden("listening on TCP needs tokens", hint="make one: wirt token create NAME")
    if settings.certificate:
        return Listener(sock, _tls(settings), tokens)
    if not ipaddress.ip_address(sock.getsockname()[0]).is_loopback:
        raise Forbidden(
            "listening on TCP needs TLS, but on the loopback address",
            hint="set listen.certificate and listen.key, or listen on 127.0.0.1",
        )
    return Listener(sock, None, tokens)


def _tls(settings: Listen) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.certificate, settings.key or None)
    except (OSError, ssl.SSLError) as error:
        raise InvalidInput(
            f"the certificate {settings.certificate} cannot be used: {error.strerror or error}",
            hint="listen.certificate and listen.key are files in PEM format",
        ) from error
    return context
