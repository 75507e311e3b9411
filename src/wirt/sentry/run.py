"""``python -m wirt.sentry.run --root DIR -- PROGRAM ARGS``: one program as a guest process, with our standard streams.

For development and for the conformance tests, as root. It has namespaces of its own and DIR as its root, but no jail:
real guests are started by ``wirt.micro``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from wirt.abi.linux import mount as ms
from wirt.abi.linux.capability import CAPABILITIES
from wirt.abi.linux.sched import CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUTS
from wirt.host import fsmount, privileges
from wirt.host.links import open_route, set_up
from wirt.host.mount import bind, mount, unmount
from wirt.host.namespaces import unshare
from wirt.sentry import guest
from wirt.sentry.descriptors import OWN, hide
from wirt.sentry.process import GuestOptions
from wirt.vmm.choice import choose

__all__ = ["main", "parse", "supervise"]

_NAME = "guest"
_CAPABILITIES = (
    "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL "
    "AUDIT_WRITE"
)
_LOOPBACK = 1  # its index in every network namespace
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")


def main() -> None:
    status = supervise(parse(sys.argv[1:]))
    if os.WIFSIGNALED(status):
        with contextlib.suppress(OSError):
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    sys.exit(os.waitstatus_to_exitcode(status))


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line, without our own name; what is wrong with it ends the process."""
    parser = argparse.ArgumentParser(prog="python -m wirt.sentry.run", description=__doc__)
    parser.add_argument("--root", required=True, help="the folder that is the guest's root")
    parser.add_argument("--platform", default="", help="kvm or software; found out when not given")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--cwd", default="/")
    parser.add_argument("--user", default="0:0", metavar="UID[:GID]")
    parser.add_argument("--memory", type=int, default=1 << 40, help="bytes a process may map")
    parser.add_argument("program", nargs=argparse.REMAINDER)
    wanted = parser.parse_args(words)
    if wanted.program[:1] == ["--"]:
        del wanted.program[0]
    if not wanted.program:
        parser.error("name a program")
    return wanted


def supervise(wanted: argparse.Namespace) -> int:
    """Run the guest in new namespaces, hand signals on, and wait: its status as waitpid(2) has it."""
    guest.dispatch()  # the modules are not to be found from inside
    unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET)
    child = os.fork()
    if child == 0:
        _become(wanted)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: os.kill(child, got))
    return os.waitpid(child, 0)[1]


def _become(wanted: argparse.Namespace) -> NoReturn:
    """The first process in the new namespaces."""
    try:
        platform = choose(wanted.platform, lowest_fd=OWN)
        records = hide(fsmount.detached("tmpfs", {"mode": "1777"}, fsmount.SAFE))
        proc = _enter(wanted.root)
        os.chdir(wanted.cwd)
        _be(*wanted.user.partition(":")[::2])
        environ = tuple(os.fsencode(entry) for entry in wanted.env or ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/"])
        argv = tuple(os.fsencode(word) for word in wanted.program)
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        options = GuestOptions(
            memory=wanted.memory,
            machine_memory=memory,
            cpus=os.cpu_count() or 1,
            hostname=_NAME,
            proc_fd=proc,
            records_fd=records,
        )
        guest.run(platform, options, (_search(argv[0], environ), *argv[1:]), environ)
    except OSError as error:
        print(f"{wanted.program[0]}: {error.strerror or error}", file=sys.stderr)
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


def _be(uid: str, gid: str) -> None:
    """The user, with a container's capabilities if it is root."""
    mask = sum(1 << CAPABILITIES.index(f"CAP_{name}") for name in _CAPABILITIES.split())
    privileges.shrink_bounding_set(mask)
    os.setgroups([])
    os.setgid(int(gid or uid))
    os.setuid(int(uid))
    if not int(uid):
        privileges.set_capabilities(mask)


def _enter(root: str) -> int:
    """Make ``root`` ours; a descriptor of a procfs that is not in it."""
    socket.sethostname(_NAME)
    with open_route() as netlink:
        netlink.request(set_up(_LOOPBACK))
    mount("", "/", None, ms.MS_PRIVATE | ms.MS_REC)
    with tempfile.TemporaryDirectory(prefix="wirt-run-") as folder:
        mount("proc", folder, "proc")
        proc = hide(os.open(folder, os.O_PATH | os.O_CLOEXEC))
        unmount(folder, lazy=True)
    bind(root, root)
    dev = Path(root, "dev")
    dev.mkdir(exist_ok=True)
    mount("tmpfs", str(dev), "tmpfs", ms.MS_NOSUID, "mode=755")
    for name in _DEVICES:
        os.mknod(dev / name, 0o666 | stat.S_IFCHR, os.stat(f"/dev/{name}").st_rdev)
        os.chmod(dev / name, 0o666)  # noqa: S103 - as everywhere
    for link, target in (("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1")):
        os.symlink(target, dev / link)
    os.symlink("/proc/self/fd/2", dev / "stderr")
    (dev / "pts").mkdir()
    (dev / "shm").mkdir()
    mount("devpts", str(dev / "pts"), "devpts", 0, "newinstance,ptmxmode=0666,mode=620")
    os.symlink("pts/ptmx", dev / "ptmx")
    mount("tmpfs", str(dev / "shm"), "tmpfs", 0, "mode=1777")
    os.chroot(root)
    os.chdir("/")
    return proc


def _search(name: bytes, environ: tuple[bytes, ...]) -> bytes:
    """The program's path, as execvp(3) finds it."""
    if b"/" in name:
        return name
    path = next((entry[5:] for entry in environ if entry.startswith(b"PATH=")), b"/usr/bin:/bin")
    for folder in path.split(b":"):
        if os.access(found := os.path.join(folder, name), os.X_OK):
            return found
    raise FileNotFoundError(2, "not found in PATH")


if __name__ == "__main__":
    main()
