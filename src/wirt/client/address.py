"""Where the daemon listens: ``WIRT_HOST`` if set, else the socket in the run folder of the system or the user."""

from __future__ import annotations

import os

from wirt.host import folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket as Socket  # noqa: N812 - the bare C type: the module socket takes 11 ms to import

__all__ = ["Address", "find_address"]


class Address:
    """Either ``path`` of a unix socket, or ``host`` and ``port`` of a TLS server.

    ``ca``: file with the certificates to trust, "" for the system's; ``token``: sent with every request, or "".
    ``local``: nobody named this address, so a daemon may be started there when none listens.
    """

    __slots__ = ("ca", "host", "local", "path", "port", "token")

    def __init__(
        self, path: str = "", *, host: str = "", port: int = 0, ca: str = "", token: str = "", local: bool = False
    ) -> None:
        self.path, self.host, self.port, self.ca, self.token, self.local = path, host, port, ca, token, local

    def __str__(self) -> str:
        return f"unix://{self.path}" if self.path else f"tcp://{self.host}:{self.port}"

    def connect(self) -> Socket:
        """A connected stream socket; ``OSError`` where nobody listens."""
        if not self.path:
            from wirt.client.tls import connect

            return connect(self.host, self.port, self.ca)
        import _socket

        sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            sock.connect(self.path)
        except OSError:
            sock.close()
            raise
        return sock


def find_address(url: str = "") -> Address:
    """The address ``url`` names (``unix:///path``, ``tcp://host:port``), else ``WIRT_HOST``, else the usual socket."""
    named = url or os.environ.get("WIRT_HOST", "")
    return _parse(named) if named else Address(_usual_socket(), local=True)


def _usual_socket() -> str:
    """Our own run folder's; or, for who is not root and has no daemon of their own, the system's where there is one."""
    own, system = folders.socket_path(folders.run_folder()), folders.socket_path(folders.SYSTEM_RUN)
    if os.geteuid() == 0 or os.environ.get("WIRT_RUN") or os.path.exists(own) or not os.path.exists(system):
        return own
    return system


def _parse(url: str) -> Address:
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "unix" and rest.startswith("/"):
        return Address(rest)
    host, colon, port = rest.rpartition(":")
    if separator and scheme == "tcp" and colon and host and port.isdecimal() and 0 < int(port) < 65536:
        get = os.environ.get
        return Address(
            host=host.strip("[]"), port=int(port), ca=get("WIRT_TLS_CA", ""), token=get("WIRT_TOKEN", "").strip()
        )
    from wirt.errors import InvalidInput

    raise InvalidInput(f"{url!r} is not an address of a host", hint="write unix:///path/to/socket or tcp://name:port")
