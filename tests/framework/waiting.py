"""Waiting for what happens by itself, with an end."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

__all__ = ["eventually", "fetch"]


def eventually(holds: Callable[[], bool], patience: float = 20.0) -> bool:
    """Whether it holds within ``patience`` seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return False


def fetch(address: str, port: int) -> str:
    """What a web server answers to GET /; "" when there is none yet."""
    try:
        with socket.create_connection((address, port), 5) as sock:
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b""
            while piece := sock.recv(4096):
                answer += piece
            return answer.decode()
    except OSError:
        return ""
