"""Requests to the daemon by method, path and JSON: connects (starting the daemon where it may), raises its errors."""

from __future__ import annotations

from wirt.client.address import Address, find_address
from wirt.client.connection import Connection, Response
from wirt.client.wire import decode, encode, query_string, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket as Socket  # noqa: N812
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

__all__ = ["Transport", "Upgraded", "path"]


def path(*parts: str) -> str:
    """``/v1/`` and ``parts``, each quoted: names of images have slashes in them."""
    return "/v1/" + "/".join([quote(part, b":@") for part in parts])


class Upgraded:
    """A connection that has left HTTP: its socket, what already arrived on it, and the headers of the 101 answer."""

    __slots__ = ("early", "headers", "socket")

    def __init__(self, sock: Socket, early: bytes, headers: Mapping[str, str]) -> None:
        self.socket, self.early, self.headers = sock, early, headers


class Transport:
    """One daemon. Every request has a connection of its own, so any number of threads may share a transport."""

    def __init__(self, address: Address | None = None) -> None:
        self.address = address or find_address()

    def request(
        self,
        method: str,
        target: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        meanwhile: Callable[[], object] | None = None,
    ) -> Response:
        """The answer, its body unread; close it. ``json`` is a body of JSON, ``body`` any other.

        ``meanwhile`` is called once the request is out, before its answer is waited for.

        Raises the daemon's error (``WirtError``) for a status of 400 and above, ``Unavailable`` or ``Forbidden`` where
        there is no way to it.
        """
        extra = dict(headers or {})
        if json is not None:
            body = encode(json).encode()
            extra["Content-Type"] = "application/json"
        connection = self._open()
        try:
            target += query_string(query) if query else ""
            return _checked(connection.request(method, target, headers=extra, body=body, meanwhile=meanwhile))
        except ConnectionError as error:
            connection.close()
            from wirt.client.errors import unreachable

            raise unreachable(self.address, error) from error
        except BaseException:
            connection.close()
            raise

    def call(self, method: str, target: str, *, query: Mapping[str, Any] | None = None, json: Any = None) -> Any:
        """The JSON an answer holds; None for an empty one."""
        with self.request(method, target, query=query, json=json) as response:
            text = response.read()
        return decode(text) if text else None

    def follow(self, method: str, target: str, **how: Any) -> Iterator[Any]:
        """The values of an answer of JSON lines, as they come. ``how`` as for ``request``."""
        with self.request(method, target, **how) as response:
            for line in response.lines():
                yield decode(line)

    def upgrade(self, target: str, *, json: Any, meanwhile: Callable[[], object] | None = None) -> Upgraded:
        """POSTs ``json`` and turns the connection into a stream of frames. ``meanwhile`` as for ``request``."""
        headers = {"Connection": "Upgrade", "Upgrade": "wirt"}
        response = self.request("POST", target, json=json, headers=headers, meanwhile=meanwhile)
        if response.status != 101:
            response.close()
            from wirt.errors import RuntimeFailure

            raise RuntimeFailure(f"the daemon did not upgrade the connection (status {response.status})")
        return Upgraded(*response.connection.release(), response.headers)

    def _open(self) -> Connection:
        address = self.address
        try:
            sock = address.connect()
        except OSError as error:
            if not (address.local and isinstance(error, (FileNotFoundError, ConnectionRefusedError))):
                from wirt.client.errors import unreachable

                raise unreachable(address, error) from error
            from wirt.client.start import start_daemon

            start_daemon(address)
            sock = address.connect()
        return Connection(sock, host=address.host or "wirt", token=address.token)


def _checked(response: Response) -> Response:
    if response.status < 400:
        return response
    from wirt.client.errors import error_from_reply

    raise error_from_reply(response.status, response.read())
