/* SIOCGIFCONF, SIOCGIFADDR, netlink routes, if_nametoindex: the loopback as programs see it. */
#include "check.h"
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
int main(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    SHOW(if_nametoindex("lo"));
    SHOW(if_nametoindex("missing"));
    SHOW(ioctl(s, SIOCGIFFLAGS, &request));
    IS((request.ifr_flags & (IFF_UP | IFF_LOOPBACK | IFF_RUNNING)) == (IFF_UP | IFF_LOOPBACK | IFF_RUNNING));
    SHOW(ioctl(s, SIOCGIFADDR, &request));
    TEXT(inet_ntoa(((struct sockaddr_in *)&request.ifr_addr)->sin_addr));
    SHOW(ioctl(s, SIOCGIFMTU, &request));
    SHOW(request.ifr_mtu);
    struct ifreq all[8];
    struct ifconf conf = {.ifc_len = sizeof all, .ifc_req = all};
    SHOW(ioctl(s, SIOCGIFCONF, &conf));
    SHOW(conf.ifc_len / (int)sizeof *all);
    int netlink;
    OK(netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    struct { struct nlmsghdr head; struct rtgenmsg body; } ask = {{sizeof ask, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0}, {AF_UNSPEC}};
    SHOW(send(netlink, &ask, sizeof ask, 0));
    char room[16384];
    int links = 0;
    ssize_t n = recv(netlink, room, sizeof room, 0);
    for (struct nlmsghdr *m = (void *)room; NLMSG_OK(m, n); m = NLMSG_NEXT(m, n))
        links += m->nlmsg_type == RTM_NEWLINK;
    IS(links >= 1);
    return 0;
}
