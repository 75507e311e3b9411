"""The flags that describe a guest: those of ``run`` and ``create``, and the part that ``update`` shares.

``field`` is where a value goes in the daemon's ``GuestSpec`` (its JSON is the dataclass's field names), so that this
table is all there is between the command line and the request.
"""

from __future__ import annotations

from wirt.cli.options import Flag

__all__ = ["GUEST", "LIMITS", "RESTART"]

_RESOURCES = "Resources"
LIMITS = (
    Flag("memory", "m", "scalars.size", "most memory, 256m or 2g", field="memory", group=_RESOURCES),
    Flag("memory-swap", "", "scalars.swap", "most memory and swap together; -1 for all the swap there is",
         field="memory_swap", group=_RESOURCES),
    Flag("memory-reservation", "", "scalars.size", "memory it keeps when the host runs short",
         field="memory_reservation", group=_RESOURCES),
    Flag("cpus", "", "scalars.number", "most CPU time, in processors: 1.5", field="cpus", group=_RESOURCES),
    Flag("cpu-shares", "c", "scalars.count", "weight against other guests, 1024 where not said",
         field="cpu_shares", group=_RESOURCES),
    Flag("cpuset-cpus", "", "text", "processors it may run on: 0-3 or 0,2",
         field="cpuset_cpus", metavar="list", group=_RESOURCES),
    Flag("cpuset-mems", "", "text", "memory nodes it may use", field="cpuset_mems", metavar="list", group=_RESOURCES),
    Flag("pids-limit", "", "scalars.pids", "most processes and threads; -1 for no limit",
         field="pids_limit", group=_RESOURCES),
)  # fmt: skip

RESTART = Flag(
    "restart", "", "program.restart", "what to do when it exits: no, on-failure[:times], always, unless-stopped",
    field="restart", metavar="policy", complete="no on-failure always unless-stopped",
)  # fmt: skip


def _inside(field: str, flags: tuple[Flag, ...]) -> tuple[Flag, ...]:
    """``flags`` with their values one level further down in the request."""
    moved = []
    for flag in flags:
        moved.append(Flag(flag.name, flag.short, flag.kind, flag.about,
                          field=f"{field}.{flag.field}", metavar=flag.metavar, group=flag.group))  # fmt: skip
    return tuple(moved)


_STORAGE, _NETWORK, _SECURITY, _HEALTH, _IMAGE = "Storage", "Network", "Security", "Health", "Instead of the image's"

GUEST = (
    Flag("name", "", "text", "a name for the guest; one is made up otherwise", field="name"),
    Flag("tty", "t", "switch", "give it a terminal", field="tty"),
    Flag("interactive", "i", "switch", "keep its standard input open", field="open_stdin"),
    Flag("rm", "", "switch", "remove it, and its anonymous volumes, when it exits", field="auto_remove"),
    RESTART,
    Flag("init", "", "switch", "run a small init in it that reaps processes and forwards signals", field="init"),
    Flag("hostname", "h", "text", "its host name", field="hostname", metavar="name"),
    Flag("domainname", "", "text", "its NIS domain name", field="domainname", metavar="name"),
    Flag("label", "l", "scalars.label", "a label, name=value", field="labels", many="merge", metavar="label"),
    Flag("label-file", "", "program.label_file", "a file of labels", field="labels", many="merge", complete="file"),
    Flag("cidfile", "", "text", "write the guest's id to this file, which must not exist",
         metavar="file", complete="file"),
    Flag("stop-signal", "", "text", "the signal that asks it to stop", field="stop_signal", metavar="signal"),
    Flag("stop-timeout", "", "scalars.seconds", "seconds it has to stop before it is killed (10)",
         field="stop_timeout"),
    Flag("kind", "", "text", "what isolates it: container, micro or machine", field="kind",
         metavar="kind", choices=("container", "micro", "machine")),
    Flag("micro", "", "switch", "short for --kind micro", field="kind", const="micro"),
    Flag("vm", "", "switch", "short for --kind machine", field="kind", const="machine"),

    Flag("entrypoint", "", "program.entrypoint", 'the program to run; "" for none', field="entrypoint",
         metavar="command", group=_IMAGE),
    Flag("env-file", "", "program.environment_file", "a file of variables", field="env", many="extend",
         complete="file", group=_IMAGE),
    Flag("env", "e", "program.environment", "a variable, NAME=value; NAME alone passes ours on", field="env",
         many="extend", metavar="variable", group=_IMAGE),
    Flag("user", "u", "text", "who runs it: name or uid[:group or gid]", field="user", metavar="user", group=_IMAGE),
    Flag("group-add", "", "text", "a further group", field="group_add", many="append", metavar="group", group=_IMAGE),
    Flag("workdir", "w", "text", "its working directory", field="workdir", metavar="folder", group=_IMAGE),

    Flag("network", "", "text", "bridge, none, host, container:GUEST or a network's name", field="network",
         metavar="network", complete="network", group=_NETWORK),
    Flag("net", "", "text", "short for --network", field="network", metavar="network", complete="network",
         group=_NETWORK, hidden=True),
    Flag("publish", "p", "network.publish", "open a port of the host for it: [address:][port:]port[/protocol]",
         field="ports", many="extend", metavar="ports", group=_NETWORK),
    Flag("publish-all", "P", "switch", "open a free port of the host for every exposed one", field="publish_all",
         group=_NETWORK),
    Flag("expose", "", "network.expose", "a port other guests use", field="expose", many="extend", metavar="port",
         group=_NETWORK),
    Flag("network-alias", "", "text", "a further name on its network", field="network_aliases", many="append",
         metavar="name", group=_NETWORK),
    Flag("ip", "", "text", "its address on its network", field="ip", metavar="address", group=_NETWORK),
    Flag("mac-address", "", "text", "its MAC address", field="mac_address", metavar="address", group=_NETWORK),
    Flag("add-host", "", "network.extra_host", "a line for its /etc/hosts, name:address", field="extra_hosts",
         many="append", metavar="host", group=_NETWORK),
    Flag("dns", "", "text", "a name server", field="dns", many="append", metavar="address", group=_NETWORK),
    Flag("dns-search", "", "text", "a domain to look names up in", field="dns_search", many="append",
         metavar="domain", group=_NETWORK),
    Flag("dns-option", "", "text", "an option for its resolv.conf", field="dns_options", many="append",
         metavar="option", group=_NETWORK),

    Flag("volume", "v", "storage.volume", "a volume or a folder of the host: [source:]target[:options]",
         field="mounts", many="append", metavar="volume", complete="volume", group=_STORAGE),
    Flag("mount", "", "storage.mount", "the same, spelled out: type=bind,source=/a,target=/b,readonly",
         field="mounts", many="append", metavar="mount", group=_STORAGE),
    Flag("tmpfs", "", "storage.tmpfs", "a folder in memory: target[:size=64m,mode=1777]", field="mounts",
         many="append", metavar="tmpfs", group=_STORAGE),
    Flag("volumes-from", "", "text", "the volumes of another guest, GUEST[:ro]", field="volumes_from",
         many="append", metavar="guest", complete="guest", group=_STORAGE),
    Flag("read-only", "", "switch", "its root filesystem cannot be written", field="read_only", group=_STORAGE),
    Flag("shm-size", "", "scalars.size", "size of /dev/shm", field="shm_size", group=_STORAGE),

    *_inside("resources", LIMITS),
    Flag("ulimit", "", "program.ulimit", "a limit of its processes: nofile=1024:2048", field="ulimits",
         many="append", metavar="limit", group=_RESOURCES),
    Flag("device", "", "program.device", "a device of the host: /dev/a[:/dev/b][:rwm]", field="devices",
         many="append", metavar="device", group=_RESOURCES),

    Flag("privileged", "", "switch", "every capability and device: no isolation from the host to speak of",
         field="privileged", group=_SECURITY),
    Flag("cap-add", "", "program.capability", "a further capability, or ALL", field="cap_add", many="append",
         metavar="capability", group=_SECURITY),
    Flag("cap-drop", "", "program.capability", "a capability it goes without, or ALL", field="cap_drop",
         many="append", metavar="capability", group=_SECURITY),
    Flag("security-opt", "", "program.security_option", "no-new-privileges, seccomp=FILE, seccomp=unconfined ...",
         field="security_opt", many="append", metavar="option", group=_SECURITY),
    Flag("sysctl", "", "program.sysctl", "a kernel parameter of its own, name=value", field="sysctls",
         many="merge", metavar="parameter", group=_SECURITY),
    Flag("pid", "", "text", "whose processes it sees: host or container:GUEST", field="pid_mode", metavar="mode",
         group=_SECURITY),
    Flag("ipc", "", "text", "whose shared memory it uses: host or container:GUEST", field="ipc_mode",
         metavar="mode", group=_SECURITY),
    Flag("uts", "", "text", "whose host name it has: host", field="uts_mode", metavar="mode", group=_SECURITY),

    Flag("health-cmd", "", "program.health_command", "a line of shell that fails when it is not well",
         field="healthcheck.test", metavar="command", group=_HEALTH),
    Flag("health-interval", "", "scalars.duration", "time between two checks (30s)", field="healthcheck.interval",
         group=_HEALTH),
    Flag("health-timeout", "", "scalars.duration", "time a check may take (30s)", field="healthcheck.timeout",
         group=_HEALTH),
    Flag("health-retries", "", "scalars.count", "failures in a row that make it unhealthy (3)",
         field="healthcheck.retries", group=_HEALTH),
    Flag("health-start-period", "", "scalars.duration", "time after its start when failures do not count",
         field="healthcheck.start_period", group=_HEALTH),
    Flag("health-start-interval", "", "scalars.duration", "time between two checks in that period (5s)",
         field="healthcheck.start_interval", group=_HEALTH),
    Flag("no-healthcheck", "", "switch", "leave the image's health check out", field="healthcheck.test",
         const=["NONE"], group=_HEALTH),
)  # fmt: skip
