"""A daemon across the network: TLS behind a plain socket, so that HTTP and frames need not know.

One thread moves bytes between the TLS connection and one end of a socket pair; the other end is the caller's. A single
thread, because one TLS connection must not be read and written by two at once.
"""

from __future__ import annotations

import _socket
import select
import socket
import ssl
import threading

from wirt.errors import Unavailable

__all__ = ["connect"]

_PIECE = 64 * 1024
_PATIENCE = 20.0  # seconds to connect and shake hands


def connect(host: str, port: int, ca: str) -> _socket.socket:
    """A socket whose bytes travel to ``host`` encrypted, once its certificate is proven by ``ca`` ("" the system's)."""
    try:
        context = ssl.create_default_context(cafile=ca or None)
        plain = socket.create_connection((host, port), timeout=_PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secure = context.wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise Unavailable(
            f"the certificate of {host}:{port} is not to be trusted: {error.verify_message}",
            hint="name the authority that signed it: WIRT_TLS_CA=/path/to/ca.pem",
        ) from error
    except ssl.SSLError as error:
        raise Unavailable(f"{host}:{port} does not speak TLS as expected: {error.reason}") from error
    secure.setblocking(False)
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
    near = socket.socket(fileno=ours.detach())
    near.setblocking(False)
    threading.Thread(target=_shuttle, args=(secure, near), name="wirt-tls", daemon=True).start()
    return theirs


_NOT_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class _Lane:
    """Bytes under way in one direction. ``done``: the source has ended, or the target is gone, and nothing is left."""

    def __init__(self) -> None:
        self.data = b""
        self._ended = False

    @property
    def done(self) -> bool:
        return self._ended and not self.data

    def move(self, source: socket.socket, target: socket.socket) -> None:
        try:
            if not self.data and not self._ended:
                self.data = source.recv(_PIECE)
                self._ended = not self.data
            if self.data:
                self.data = self.data[target.send(self.data) :]
        except _NOT_YET:
            pass
        except OSError:
            self.data, self._ended = b"", True


def _shuttle(secure: ssl.SSLSocket, near: socket.socket) -> None:
    """Until one side closes. There is no half-close: HTTP has lengths, and frames say themselves where input ends."""
    out, back = _Lane(), _Lane()
    with secure, near:
        while not (out.done or back.done):
            _wait(secure, near, out, back)
            out.move(near, secure)
            back.move(secure, near)


def _wait(secure: ssl.SSLSocket, near: socket.socket, out: _Lane, back: _Lane) -> None:
    """Until a lane can move: an empty one waits for its source, a full one for its target."""
    if secure.pending() and not back.data:
        return
    poller = select.poll()
    poller.register(near, (select.POLLOUT if back.data else 0) | (0 if out.data else select.POLLIN))
    poller.register(secure, (select.POLLOUT if out.data else 0) | (0 if back.data else select.POLLIN))
    poller.poll()
