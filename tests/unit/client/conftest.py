"""A daemon in a thread: one handler per connection, on a unix socket in a folder of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wirt.client.address import Address
from wirt.client.transport import Transport

Handler = Callable[[socket.socket], None]
Serve = Callable[..., Transport]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """``serve(handler, ...)``: a transport to a server that gives each connection to the next handler."""
    with contextlib.ExitStack() as stack:

        def start(*handlers: Handler) -> Transport:
            path = str(tmp_path / "wirt.sock")
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(path)
            listener.listen()
            thread = threading.Thread(target=_answer, args=(listener, handlers))
            thread.start()
            stack.callback(thread.join)
            return Transport(Address(path))

        yield start


def _answer(listener: socket.socket, handlers: tuple[Handler, ...]) -> None:
    for handler in handlers:
        connection, _ = listener.accept()
        with connection:
            handler(connection)
