"""Bytes of HTTP and of frames, for tests that look at the wire itself."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

from wirt.keeper.frames import FrameReader, FrameType

__all__ = ["read_frames", "read_head", "request", "run_request"]


def request(method: str, target: str, body: Any = None, **headers: str) -> bytes:
    """One request. ``headers``: names with _ for -."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {target} HTTP/1.1", "Host: wirt", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def run_request(*command: str, stdin: bool = True, privileged: bool = False, **headers: str) -> bytes:
    """An upgrade to the streams of a new guest."""
    spec = {"image": "busybox", "command": list(command), "auto_remove": True, "privileged": privileged}
    body = {"spec": spec, "stdin": stdin}
    return request("POST", "/v1/guests/run", body, Connection="Upgrade", Upgrade="wirt", **headers)


def read_head(sock: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status and headers of an answer, and the body as far as Content-Length says; nothing more is read."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        assert byte, f"the connection ended after {head!r}"
        head += byte
    first, *lines = head.decode().split("\r\n")[:-2]
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = b""
    while len(body) < int(headers.get("content-length", 0)):
        body += sock.recv(int(headers["content-length"]) - len(body))
    return int(first.split(" ")[1]), headers, body


def read_frames(sock: socket.socket) -> tuple[bytes, int | None]:
    """Standard output to its end, and the exit code."""
    reader, output, code = FrameReader(), b"", None
    while data := sock.recv(65536):
        for kind, payload in reader.feed(data):
            if kind is FrameType.STDOUT:
                output += payload
            elif kind is FrameType.EXIT:
                (code,) = struct.unpack(">i", payload)
    return output, code
