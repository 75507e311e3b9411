"""Netlink (netlink(7)): batched requests and dumps over one socket, and the encoding of attributes.

A socket belongs to the network namespace of the thread that made it, for as long as it lives. Several requests travel
in one ``send``; the kernel has served them all when that call returns, so nothing here waits.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

from wirt.abi.linux.netlink import (
    NETLINK_CAP_ACK,
    NETLINK_EXT_ACK,
    NLA_F_NESTED,
    NLA_TYPE_MASK,
    NLM_F_ACK,
    NLM_F_ACK_TLVS,
    NLM_F_DUMP,
    NLM_F_DUMP_INTR,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    NLMSGERR_ATTR_MSG,
    SOL_NETLINK,
    nlattr,
    nlmsghdr,
)

__all__ = ["Message", "Netlink", "attribute", "attributes", "nested", "text", "u32"]

_RECEIVE = 1 << 18
_ATTEMPTS = 10
_PATIENCE = 30.0  # seconds; the answer is there when a request was sent, unless the kernel dropped it
_INT = struct.Struct("=i")
_U32 = struct.Struct("=I")


@dataclass(frozen=True, slots=True)
class Message:
    """One request: ``call`` names it in errors ("RTM_NEWLINK wirt0")."""

    call: str
    type: int
    body: bytes
    flags: int = 0


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded to 4 bytes."""
    length = nlattr.size + len(value)
    return nlattr.pack(length, kind) + value + bytes(-length % 4)


def nested(kind: int, *inside: bytes) -> bytes:
    """An attribute made of attributes."""
    return attribute(kind | NLA_F_NESTED, b"".join(inside))


def text(kind: int, value: str) -> bytes:
    """An attribute holding a string with its closing zero."""
    return attribute(kind, value.encode() + b"\0")


def u32(kind: int, value: int) -> bytes:
    """An attribute holding a 32-bit number in the host's byte order."""
    return attribute(kind, _U32.pack(value))


def attributes(data: bytes) -> dict[int, bytes]:
    """Attributes by their type, flag bits taken off; of several with one type the last."""
    found: dict[int, bytes] = {}
    offset = 0
    while offset + nlattr.size <= len(data):
        length, kind = nlattr.unpack_from(data, offset)
        if length < nlattr.size:
            break
        found[kind & NLA_TYPE_MASK] = data[offset + nlattr.size : offset + length]
        offset += (length + 3) & ~3
    return found


class Netlink:
    """A socket of one netlink family, to be used by one thread at a time and closed (a context manager)."""

    def __init__(self, family: int) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, family)
        self._socket.settimeout(_PATIENCE)
        self._sequence = 0
        self._socket.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self._socket.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)

    def __enter__(self) -> Netlink:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def request(self, *messages: Message) -> None:
        """Send all messages at once. The kernel tries each; the first that failed is raised as ``OSError``."""
        calls = {}
        batch = bytearray()
        for message in messages:
            self._sequence += 1
            calls[self._sequence] = message.call
            batch += _encode(message, message.flags | NLM_F_ACK, self._sequence)
        self._socket.send(batch)
        first: OSError | None = None
        while calls:
            for kind, flags, sequence, body in self._receive():
                if kind == NLMSG_ERROR and sequence in calls:
                    failure = _failure(calls.pop(sequence), flags, body)
                    first = first or failure
        if first is not None:
            raise first

    def fetch(self, message: Message) -> bytes:
        """The body of the one answer to a question."""
        self._sequence += 1
        self._socket.send(_encode(message, message.flags, self._sequence))
        while True:
            for kind, flags, sequence, body in self._receive():
                if sequence != self._sequence:
                    continue
                if kind == NLMSG_ERROR:
                    raise _failure(message.call, flags, body) or OSError(errno.EPROTO, message.call)
                return body

    def dump(self, message: Message) -> list[bytes]:
        """The bodies of everything the kernel lists, asked again when the list changed while it was made."""
        for _ in range(_ATTEMPTS):
            bodies = self._dump(message)
            if bodies is not None:
                return bodies
        raise OSError(errno.EINTR, f"{message.call}: {os.strerror(errno.EINTR)}")

    def _dump(self, message: Message) -> list[bytes] | None:
        self._sequence += 1
        self._socket.send(_encode(message, message.flags | NLM_F_DUMP, self._sequence))
        bodies: list[bytes] = []
        interrupted = 0
        while True:
            for kind, flags, sequence, body in self._receive():
                if sequence != self._sequence:
                    continue
                interrupted |= flags & NLM_F_DUMP_INTR
                if kind in (NLMSG_DONE, NLMSG_ERROR):
                    failure = _failure(message.call, flags, body)
                    if failure is not None:
                        raise failure
                    return None if interrupted else bodies
                bodies.append(body)

    def _receive(self) -> Iterator[tuple[int, int, int, bytes]]:
        data = self._socket.recv(_RECEIVE)
        offset = 0
        while offset + nlmsghdr.size <= len(data):
            length, kind, flags, sequence, _ = nlmsghdr.unpack_from(data, offset)
            yield kind, flags, sequence, data[offset + nlmsghdr.size : offset + length]
            offset += (length + 3) & ~3


def _encode(message: Message, flags: int, sequence: int) -> bytes:
    length = nlmsghdr.size + len(message.body)
    return nlmsghdr.pack(length, message.type, flags | NLM_F_REQUEST, sequence, 0) + message.body + bytes(-length % 4)


def _failure(call: str, flags: int, body: bytes) -> OSError | None:
    """What an acknowledgement says: nothing, or an error with the kernel's own words where it has some."""
    code = -_INT.unpack_from(body)[0] if len(body) >= _INT.size else errno.EPROTO
    if code == 0:
        return None
    words = ""
    if flags & NLM_F_ACK_TLVS:
        words = attributes(body[_INT.size + nlmsghdr.size :]).get(NLMSGERR_ATTR_MSG, b"").rstrip(b"\0").decode()
    return OSError(code, f"{call}: {os.strerror(code)}" + (f" ({words})" if words else ""))
