"""What a micro guest sees of its host: nothing that names the host's paths, devices or control groups."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from framework.instance import IMAGE, Instance

pytestmark = pytest.mark.root

EVERYTHING = """
for file in $(find /proc /sys -type f); do cat $file 2>/dev/null; done
for link in $(find /proc /sys -type l); do readlink $link 2>/dev/null; done
mount; df; cat /proc/mounts /etc/mtab
"""


@pytest.fixture(scope="module")
def told(host: Instance, tmp_path_factory: pytest.TempPathFactory) -> str:
    """All that can be read in /proc and /sys of a guest with a limit, a volume and a folder of the host's."""
    folder = tmp_path_factory.mktemp("shared")
    words = ("-m", "200m", "-v", f"{folder}:/folder", "-v", "store:/store", "--tmpfs", "/t:size=1m")
    done = host.wirt("run", "--rm", "--micro", *words, IMAGE, "sh", "-c", EVERYTHING, timeout=100)
    host.ok("volume", "rm", "store")
    assert len(done.out) > 10_000
    return done.out


def test_no_path_of_the_hosts_is_told(host: Instance, told: str) -> None:
    for name in (str(host.folder), "lowerdir", "upperdir", "workdir", "/sys/fs/cgroup", "/wirt/", "pytest", "diff"):
        assert name not in told, name


def test_no_device_of_the_hosts_is_told(told: str) -> None:
    sources = {line.split()[0] for line in Path("/proc/mounts").read_text().splitlines() if line.startswith("/dev/")}
    assert not [source for source in sources if source in told]
    assert not re.search(r"/dev/(vd|sd|nvme|mapper|root)", told)


def test_memory_is_the_guests(told: str) -> None:
    assert re.search(rf"^MemTotal: +{200 << 10} kB$", told, re.M)


def test_mounts_are_the_guests(told: str) -> None:
    kinds = dict(re.findall(r"^\S+ on (\S+) type (\S+) ", told, re.M))
    assert kinds["/"] == "overlay"
    assert (kinds["/proc"], kinds["/sys"], kinds["/t"], kinds["/dev/pts"]) == ("proc", "sysfs", "tmpfs", "devpts")
    assert {"/folder", "/store", "/etc/hosts"} <= kinds.keys()
    assert os.uname().release in told  # said openly: docs/security.md
