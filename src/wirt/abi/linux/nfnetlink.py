"""<linux/netfilter/nfnetlink.h>, nf_tables.h, nfnetlink_conntrack.h: what we ask of netfilter without a tool."""

import struct

NFNL_SUBSYS_CTNETLINK = 1
NFNL_SUBSYS_NFTABLES = 10
NFNETLINK_V0 = 0
# struct nfgenmsg: family, version, resource id (big-endian); 4 bytes.
nfgenmsg = struct.Struct(">BBH")

NFPROTO_IPV4 = 2

NFT_MSG_GETTABLE = 1
NFTA_TABLE_NAME = 1

IPCTNL_MSG_CT_GET = 1
IPCTNL_MSG_CT_DELETE = 2

CTA_TUPLE_ORIG = 1
CTA_ID = 12
CTA_ZONE = 18
CTA_FILTER = 25
CTA_TUPLE_IP = 1
CTA_TUPLE_PROTO = 2
CTA_PROTO_NUM = 1
CTA_PROTO_SRC_PORT = 2
CTA_PROTO_DST_PORT = 3
CTA_FILTER_ORIG_FLAGS = 1
# <net/netfilter/nf_conntrack.h> bits of CTA_FILTER_ORIG_FLAGS (fixed since Linux 5.8, ctnetlink's CTA_FILTER_FLAG).
CTA_FILTER_F_CTA_PROTO_NUM = 1 << 3
CTA_FILTER_F_CTA_PROTO_DST_PORT = 1 << 5
