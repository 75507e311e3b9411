"""<linux/socket.h>, <asm-generic/socket.h> and the headers of the protocols: what the calls on sockets take."""

from __future__ import annotations

import struct

AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 0, 1, 2, 10, 16

SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET = 1, 2, 3, 5
SOCK_TYPE_MASK = 0xF
SOCK_NONBLOCK = 0o4000
SOCK_CLOEXEC = 0o2000000

IPPROTO_IP, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP = 0, 1, 6, 17
IPPROTO_IPV6, IPPROTO_ICMPV6, IPPROTO_UDPLITE, IPPROTO_RAW = 41, 58, 136, 255
NETLINK_ROUTE = 0

SOL_SOCKET = 1
SOL_NETLINK = 270
SO_ATTACH_FILTER = SO_GET_FILTER = 26
SO_DETACH_FILTER = 27
SO_ATTACH_BPF = 50
SO_ATTACH_REUSEPORT_CBPF = 51
SO_ATTACH_REUSEPORT_EBPF = 52
SO_PEERPIDFD = 77

SCM_RIGHTS = 1
SCM_PIDFD = 4

MSG_CTRUNC = 0x8
MSG_DONTWAIT = 0x40
MSG_WAITFORONE = 0x10000
MSG_CMSG_CLOEXEC = 0x40000000

UIO_MAXIOV = 1024
ADDRESS_MAX = 128  # sizeof(struct sockaddr_storage)

# struct user_msghdr: name, its length, iov, its count, control, its length, flags
MSGHDR = struct.Struct("<Qi4xQQQQI4x")
# struct cmsghdr: length with this header, level, type
CMSGHDR = struct.Struct("<Qii")
# struct sock_fprog: count of instructions, their address; struct sock_filter has 8 bytes
SOCK_FPROG = struct.Struct("<H6xQ")
SOCK_FILTER_SIZE = 8
BPF_MAXINSNS = 4096

# level -> options that are flat data, of those that a guest's socket may have. What is missing holds pointers
# (netfilter's tables, TCP_ZEROCOPY_RECEIVE), loads code (TCP_ULP, BPF) or needs rights that no guest has.
FLAT_OPTIONS: dict[int, frozenset[int]] = {
    SOL_SOCKET: frozenset(range(1, 90))
    - {SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF, SO_ATTACH_REUSEPORT_EBPF},
    IPPROTO_IP: frozenset(range(1, 64)),
    IPPROTO_IPV6: frozenset((*range(1, 64), 66, 67, *range(70, 80))),
    IPPROTO_ICMPV6: frozenset((1,)),
    IPPROTO_TCP: frozenset((*range(1, 15), 16, 17, 18, *range(23, 29), 30, 32, 33, 34, 36, 37)),
    IPPROTO_UDP: frozenset((1, 101, 102, 103, 104)),
    IPPROTO_UDPLITE: frozenset((1, 10, 11)),
    IPPROTO_RAW: frozenset((1,)),
    SOL_NETLINK: frozenset(range(1, 13)) - {6, 7},
}
