"""<linux/rtnetlink.h>, if_link.h, if_addr.h, veth.h, if_bridge.h: links, addresses, routes (rtnetlink(7))."""

import struct

RTM_NEWLINK = 16
RTM_DELLINK = 17
RTM_GETLINK = 18
RTM_SETLINK = 19
RTM_NEWADDR = 20
RTM_NEWROUTE = 24
RTM_GETROUTE = 26

# struct ifinfomsg: family, padding, type, index, flags, change mask; 16 bytes.
ifinfomsg = struct.Struct("=BxHiII")
# struct ifaddrmsg: family, prefix length, flags, scope, index; 8 bytes.
ifaddrmsg = struct.Struct("=BBBBI")
# struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags; 12 bytes.
rtmsg = struct.Struct("=BBBBBBBBI")

IFF_UP = 0x1

IFLA_ADDRESS = 1
IFLA_IFNAME = 3
IFLA_MTU = 4
IFLA_MASTER = 10
IFLA_PROTINFO = 12
IFLA_OPERSTATE = 16
IFLA_LINKINFO = 18
IFLA_NET_NS_FD = 28
IFLA_INFO_KIND = 1
IFLA_INFO_DATA = 2
IFLA_INFO_SLAVE_DATA = 5
VETH_INFO_PEER = 1
IFLA_BRPORT_STATE = 1
IFLA_BRPORT_MODE = 4  # hairpin
IF_OPER_UP = 6  # <linux/if.h>
BR_STATE_FORWARDING = 3  # <linux/if_bridge.h>

IFA_ADDRESS = 1
IFA_LOCAL = 2
IFA_BROADCAST = 4

RTA_DST = 1
RTA_GATEWAY = 5

RT_TABLE_MAIN = 254
RTPROT_BOOT = 3
RT_SCOPE_UNIVERSE = 0
RT_SCOPE_LINK = 253
RTN_UNICAST = 1
