"""What ``wirt doctor`` says about guest networks on this host."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wirt.errors import WirtError
from wirt.host import links, netns
from wirt.model.finding import Finding, Level
from wirt.network import forwarding, nft, rules
from wirt.network.bridges import make_bridge
from wirt.network.failures import explained
from wirt.network.ledger import ANYWHERE, SHARED, Claim, Ledger, Segment
from wirt.network.resolv import read_resolvers

__all__ = ["probe"]

_SAMPLE = Segment("0" * 64, "wirtprobe", "10.213.0.0/24", "10.213.0.1")
_PORT = Claim("0" * 64, _SAMPLE.network_id, "tcp", ANYWHERE, 80, "10.213.0.2", 80)
_OURS = "wirt"  # how our tables' and bridges' names begin

_LET_GUESTS_OUT = "iptables -I {chain} -i wirt+ -j ACCEPT; iptables -I {chain} -o wirt+ -j ACCEPT"
_LET_NAMES_IN = "iptables -I {chain} -i wirt+ -p udp --dport 53 -j ACCEPT (and the same for tcp)"


@dataclass(frozen=True, slots=True)
class _Chain:
    """Another program's chain that drops what none of its rules lets pass."""

    table: str
    name: str
    hook: str


def probe(shared: Path = SHARED) -> list[Finding]:
    """One finding a subject; nothing on the host is changed."""
    return [_rules(), _bridge(), _forwarding(shared), *_foreign_chains(), _names(), *_resolvers()]


def _rules() -> Finding:
    subject = "network rules"
    try:
        # The kernel looks at all of it, as it would in earnest, and does nothing.
        nft.check(rules.whole_table("wirt_probe", [_SAMPLE], [_PORT], ["eth0"]))
    except WirtError as error:
        return Finding(subject, Level.FAIL, str(error), "guests run with --network none or host only", error.hint)
    return Finding(subject, Level.OK, "nft works and the kernel takes wirt's rules")


def _bridge() -> Finding:
    subject = "bridges"
    try:
        with explained("make a bridge and a veth pair"):
            netns.call_in_new(_try_links)
    except WirtError as error:
        return Finding(subject, Level.FAIL, str(error), "guests run with --network none or host only", error.hint)
    return Finding(subject, Level.OK, "bridges and veth pairs can be made")


def _try_links() -> None:
    make_bridge(_SAMPLE)
    with open("/proc/thread-self/ns/net", "rb") as here, links.open_route() as netlink:
        bridge = links.index_of(_SAMPLE.bridge)
        pair = links.add_veth(
            "vprobe", bridge=bridge, peer="eth0", peer_netns=here.fileno(), peer_mac="0a:57:00:00:00:01"
        )
        netlink.request(pair)


def _forwarding(shared: Path) -> Finding:
    subject = "forwarding"
    if not forwarding.is_on():
        found = "net.ipv4.ip_forward is off"
        return Finding(subject, Level.OK, found, "wirt switches it on with the first guest on a bridge")
    fence = Ledger("", shared).read_fence()
    if fence is None:
        return Finding(subject, Level.OK, "net.ipv4.ip_forward is on, and was before wirt came")
    return Finding(
        subject,
        Level.NOTE,
        "net.ipv4.ip_forward was switched on by wirt",
        f"wirt's rules keep it off between {', '.join(fence) or 'the other interfaces'}",
        "to route between them, set net.ipv4.ip_forward=1 in /etc/sysctl.d and restart the host",
    )


def _foreign_chains() -> Iterator[Finding]:
    for chain in _dropping_chains():
        if chain.hook == "forward":
            meaning, remedy = "guests do not get out, published ports not in, unless its rules say so", _LET_GUESTS_OUT
        else:
            meaning, remedy = "guests on networks of your own resolve no names unless its rules say so", _LET_NAMES_IN
        # Docker flushes its own rules when it starts, but leaves this chain of the user's alone.
        name = "DOCKER-USER" if chain.hook == "forward" and chain.table == "docker" else chain.name
        found = f"the chain {chain.name} of another firewall drops what it does not know"
        yield Finding(f"firewall ({chain.hook})", Level.WARN, found, meaning, remedy.format(chain=name))


def _dropping_chains() -> Iterator[_Chain]:
    chains = [*_nft_chains(), *_legacy_chains()]
    names = {chain.get("name") for chain in chains}
    for chain in chains:
        hook, table = str(chain.get("hook", "")), str(chain.get("table", ""))
        foreign = chain.get("family") in ("ip", "inet") and not table.startswith(_OURS)
        if foreign and chain.get("policy") == "drop" and hook in ("forward", "input"):
            yield _Chain("docker" if "DOCKER-USER" in names else table, str(chain.get("name", "")), hook)


def _nft_chains() -> list[dict[str, object]]:
    """Every chain as nft describes it (libnftables-json(5))."""
    try:
        done = subprocess.run(["nft", "-j", "list", "chains"], capture_output=True, text=True, timeout=20, check=False)
        listed = json.loads(done.stdout or "{}").get("nftables", [])
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return []
    return [entry["chain"] for entry in listed if "chain" in entry]


def _legacy_chains() -> list[dict[str, object]]:
    """The same of rules made through the older interface (iptables-legacy), where there are any."""
    tables = Path("/proc/thread-self/net/ip_tables_names")
    if not tables.exists() or "filter" not in tables.read_text().split() or not shutil.which("iptables-legacy"):
        return []
    done = subprocess.run(["iptables-legacy", "-S"], capture_output=True, text=True, timeout=20, check=False)
    found: list[dict[str, object]] = []
    for line in done.stdout.splitlines():
        match line.split():
            case ["-P", name, policy]:
                found.append(
                    {"family": "ip", "table": "filter", "name": name, "hook": name.lower(), "policy": policy.lower()}
                )
            case ["-N", name]:
                found.append({"family": "ip", "table": "filter", "name": name})
    return found


def _names() -> Finding:
    subject = "names of guests"
    if shutil.which("dnsmasq"):
        return Finding(subject, Level.OK, "dnsmasq is installed")
    meaning = "guests on networks of your own do not find one another by name"
    return Finding(subject, Level.WARN, "dnsmasq is not installed", meaning, "apt-get install dnsmasq-base")


def _resolvers() -> Iterator[Finding]:
    if not read_resolvers().reachable:
        found = "the host's name servers are on loopback addresses only, or there are none"
        yield Finding("host's resolvers", Level.NOTE, found, "guests ask them through dnsmasq, run by wirt for that")
