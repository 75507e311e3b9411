"""A process that can do no harm, for tests that make calls at random.

It has namespaces of its own for mounts, processes, network, IPC and names; its root is an empty tmpfs; of the
descriptors it started with none is left, standard streams included (an inherited /dev/null is the host's: its mode can
be changed through it); it is nobody, without a capability. All that is verified before the body runs.
"""

from __future__ import annotations

import os
import resource
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from framework.forked import forked
from wirt.abi.linux import mount as ms
from wirt.abi.linux.sched import CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUTS
from wirt.host.mount import mount, unmount
from wirt.host.namespaces import unshare
from wirt.host.process import set_no_new_privs

__all__ = ["NOBODY", "caged"]

NOBODY = 65534
_REPORT, _PROC, _MOST = 9001, 9002, 1 << 16
_FILE_LIMIT = 1 << 20


def caged(body: Callable[[int], object], *, seconds: float = 60.0) -> None:
    """Run ``body``, which gets a descriptor of the cage's own procfs. Needs root. Errors as ``forked``."""

    def outside() -> None:
        reader, writer = os.pipe()
        unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
        child = os.fork()
        if child == 0:
            _inside(body, writer)
        os.close(writer)
        with open(reader, encoding="utf-8") as said:
            told = said.read()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status:
            raise AssertionError(told or f"the cage ended with status {status}")

    forked(outside, seconds=seconds)


def _inside(body: Callable[[int], object], writer: int) -> NoReturn:
    """The first process of the new pid namespace: what it leaves behind ends with it."""
    try:
        os.dup2(writer, _REPORT)
        _shut()
        _verify()
        body(_PROC)
    except BaseException:
        os.write(_REPORT, traceback.format_exc().encode())
        os._exit(1)
    os._exit(0)


def _shut() -> None:
    mount("", "/", None, ms.MS_PRIVATE | ms.MS_REC)
    folder = "/mnt"  # of our own mount namespace: nothing is made on the host
    mount("proc", folder, "proc")
    os.dup2(os.open(folder, os.O_PATH), _PROC, inheritable=False)
    unmount(folder, lazy=True)
    mount("tmpfs", folder, "tmpfs", ms.MS_NOSUID, "mode=777,size=16m")
    for name in ("proc", "sys", "dev", "pts", "sandbox"):
        Path(folder, name).mkdir()
    Path(folder, "sandbox").chmod(0o777)
    mount("devpts", f"{folder}/pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=620")
    for name in ("proc", "sys"):
        mount("tmpfs", f"{folder}/{name}", "tmpfs", ms.MS_RDONLY)
    os.chroot(folder)
    os.chdir("/sandbox")
    _leave_descriptors()
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_LIMIT, _FILE_LIMIT))
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    set_no_new_privs()


def _leave_descriptors() -> None:
    """Standard streams become a file of the cage's own; all others but ours are closed."""
    os.closerange(0, _REPORT)
    os.closerange(_PROC + 1, _MOST)
    stream = os.open("/sandbox/streams", os.O_RDWR | os.O_CREAT, 0o666)
    assert stream == 0
    os.dup2(0, 1)
    os.dup2(0, 2)


def _verify() -> None:
    """Nothing begins before this holds."""
    assert os.getresuid() == os.getresgid() == (NOBODY, NOBODY, NOBODY)
    assert os.getpid() == 1
    assert sorted(os.listdir("/")) == ["dev", "proc", "pts", "sandbox", "sys"]  # noqa: PTH208
    assert not os.listdir("/proc")  # noqa: PTH208
    status = os.open("self/status", os.O_RDONLY, dir_fd=_PROC)
    text = os.read(status, 1 << 16).decode()
    os.close(status)
    held = {line.split(":")[0]: line.split()[1] for line in text.splitlines() if line.startswith("Cap")}
    assert all(not int(held[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")), held
    folder = os.open("self/fd", os.O_RDONLY, dir_fd=_PROC)
    numbers = {int(name) for name in os.listdir(folder)}  # noqa: PTH208
    os.close(folder)
    listing = {folder, folder + 1}  # os.listdir reads through a duplicate
    assert numbers == {0, 1, 2, _REPORT, _PROC} | listing, numbers
