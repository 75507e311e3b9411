"""Which unix sockets are connected to each other: unix_diag, as ss(8) asks it (sock_diag(7))."""

from __future__ import annotations

import struct

from wirt.host.netlink import Message, Netlink, attributes

__all__ = ["peers"]

_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY = 4, 20
_AF_UNIX = 1
_ALL_STATES, _UDIAG_SHOW_PEER = 0xFFFF_FFFF, 4
_UNIX_DIAG_PEER = 2
_REQUEST = struct.Struct("=BBHIII2I")  # struct unix_diag_req: family, protocol, -, states, inode, show, cookie
_ANSWER = struct.Struct("=BBBBI2I")  # struct unix_diag_msg: family, type, state, -, inode, cookie


def peers() -> dict[int, int]:
    """The inode of each connected unix socket in our network namespace, and that of its other end."""
    asked = _REQUEST.pack(_AF_UNIX, 0, 0, _ALL_STATES, 0, _UDIAG_SHOW_PEER, 0xFFFF_FFFF, 0xFFFF_FFFF)
    found: dict[int, int] = {}
    with Netlink(_NETLINK_SOCK_DIAG) as netlink:
        for body in netlink.dump(Message("SOCK_DIAG_BY_FAMILY", _SOCK_DIAG_BY_FAMILY, asked)):
            inode = _ANSWER.unpack_from(body)[4]
            peer = attributes(body[_ANSWER.size :]).get(_UNIX_DIAG_PEER)
            if peer is not None:
                found[inode] = int.from_bytes(peer, "little")
    return found
