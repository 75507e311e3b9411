"""<linux/netlink.h>: message headers, flags and attributes of every netlink family (netlink(7))."""

import struct

NETLINK_ROUTE = 0
NETLINK_NETFILTER = 12

SOL_NETLINK = 270
NETLINK_CAP_ACK = 10
NETLINK_EXT_ACK = 11

# struct nlmsghdr: length, type, flags, sequence number, port id; 16 bytes.
nlmsghdr = struct.Struct("=IHHII")
# struct nlattr: length with this header, type; 4 bytes; values are padded to 4.
nlattr = struct.Struct("=HH")

NLM_F_REQUEST = 0x001
NLM_F_ACK = 0x004
NLM_F_DUMP_INTR = 0x010
NLM_F_ROOT = 0x100
NLM_F_MATCH = 0x200
NLM_F_DUMP = NLM_F_ROOT | NLM_F_MATCH
NLM_F_REPLACE = 0x100
NLM_F_EXCL = 0x200
NLM_F_CREATE = 0x400
NLM_F_ACK_TLVS = 0x200  # in an acknowledgement: extended-ack attributes follow

NLMSG_ERROR = 2
NLMSG_DONE = 3
NLMSGERR_ATTR_MSG = 1

NLA_F_NESTED = 1 << 15
NLA_TYPE_MASK = 0x3FFF
