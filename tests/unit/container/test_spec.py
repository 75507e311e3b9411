"""config.json as a whole, against what Docker writes for the same request."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wirt import errors
from wirt.container import spec
from wirt.host.cgroup import CgroupMode
from wirt.kinds.facts import Facts
from wirt.model.guest import Device, GuestSpec, MountPoint, MountType, Resources
from wirt.model.launch import Launch

NewLaunch = Callable[..., Launch]

pytestmark = pytest.mark.usefixtures("every_capability")


def build(launch: Launch, facts: Facts, *, ready_filter: bool = False) -> dict[str, Any]:
    text = spec.build(launch, facts, cgroup_path="/wirt/x", ready_filter=ready_filter)
    return dict(json.loads(text))


def namespaces(config: dict[str, Any]) -> dict[str, str]:
    return {entry["type"]: entry.get("path", "") for entry in config["linux"]["namespaces"]}


def test_default_guest_is_dockers(new_launch: NewLaunch, facts: Facts) -> None:
    config = build(new_launch(launch={"netns": "/run/netns/x"}), facts)
    linux = config["linux"]
    assert config["root"] == {"path": config["root"]["path"]}
    assert config["hostname"] == "somewhere"
    assert linux["cgroupsPath"] == "/wirt/x"
    assert namespaces(config) == {"mount": "", "network": "/run/netns/x", "uts": "", "pid": "", "ipc": "", "cgroup": ""}
    assert linux["sysctl"] == {
        "net.ipv4.ip_unprivileged_port_start": "0",
        "net.ipv4.ping_group_range": "0 2147483647",
    }
    assert {"/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"} <= set(linux["maskedPaths"])
    assert linux["readonlyPaths"] == ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
    assert [(rule.get("major"), rule.get("minor"), rule["allow"]) for rule in linux["resources"]["devices"]] == [
        (None, None, False),
        (1, 5, True),
        (1, 3, True),
        (1, 9, True),
        (1, 8, True),
        (5, 0, True),
        (5, 1, True),
        (10, 229, False),
    ]
    assert linux["seccomp"]["defaultAction"] == "SCMP_ACT_ERRNO"
    assert "annotations" not in config


def test_zeros_that_the_specification_requires_are_written(new_launch: NewLaunch, facts: Facts) -> None:
    config = build(new_launch(), facts)
    assert config["process"]["user"] == {"uid": 0, "gid": 0, "additionalGids": [0, 10]}
    assert config["linux"]["resources"]["devices"][0] == {"allow": False, "access": "rwm"}


def test_v1_guests_share_the_cgroup_namespace(new_launch: NewLaunch, facts: Facts) -> None:
    v1 = dataclasses.replace(facts, cgroup_mode=CgroupMode.V1)
    assert "cgroup" not in namespaces(build(new_launch(), v1))


def test_namespaces_are_joined_or_shared(new_launch: NewLaunch, facts: Facts) -> None:
    launch = {"pid_ns": "host", "ipc_ns": "/proc/7/ns/ipc", "uts_ns": "host"}
    config = build(new_launch(launch=launch, domainname="d"), facts)
    assert namespaces(config) == {"mount": "", "ipc": "/proc/7/ns/ipc", "cgroup": ""}
    assert "hostname" not in config
    assert "sysctl" not in config["linux"]


def test_anothers_network_keeps_its_settings(new_launch: NewLaunch, facts: Facts) -> None:
    config = build(new_launch(launch={"netns": "/proc/7/ns/net"}, network="container:other"), facts)
    assert "sysctl" not in config["linux"]


def test_sysctls_and_domain_are_set(new_launch: NewLaunch, facts: Facts) -> None:
    asked = {"net.ipv4.ip_unprivileged_port_start": "1024", "kernel.msgmax": "9"}
    config = build(new_launch(launch={"netns": "/n"}, sysctls=asked, domainname="d.e"), facts)
    assert config["linux"]["sysctl"] == {
        "net.ipv4.ping_group_range": "0 2147483647",
        "kernel.domainname": "d.e",
        **asked,
    }


def test_privileged_guest_has_no_walls_but_namespaces(new_launch: NewLaunch, facts: Facts) -> None:
    config = build(new_launch(privileged=True, devices=(Device("/dev/null", "/dev/other"),)), facts)
    linux = config["linux"]
    assert "seccomp" not in linux
    assert "maskedPaths" not in linux
    assert "readonlyPaths" not in linux
    assert linux["resources"]["devices"] == [{"allow": True, "access": "rwm"}]
    assert {"/dev/null", "/dev/other"} <= {node["path"] for node in linux["devices"]}


def test_privileged_guest_takes_a_filter_if_one_is_asked_for(new_launch: NewLaunch, facts: Facts) -> None:
    profile = '{"defaultAction": "SCMP_ACT_ALLOW"}'
    config = build(new_launch(privileged=True, security_opt=(f"seccomp={profile}",)), facts)
    assert config["linux"]["seccomp"] == {"defaultAction": "SCMP_ACT_ALLOW"}


@pytest.mark.parametrize(
    ("option", "gone"),
    [("seccomp=unconfined", {"seccomp"}), ("systempaths=unconfined", {"maskedPaths", "readonlyPaths"})],
)
def test_security_options_take_walls_away(new_launch: NewLaunch, facts: Facts, option: str, gone: set[str]) -> None:
    walls = {"seccomp", "maskedPaths", "readonlyPaths"}
    linux = build(new_launch(security_opt=(option,)), facts)["linux"]
    assert walls - set(linux) == gone


def test_thermal_paths_of_the_host_are_masked(new_launch: NewLaunch, facts: Facts) -> None:
    hot = dataclasses.replace(facts, thermal_paths=("/sys/devices/system/cpu/cpu0/thermal_throttle",))
    assert hot.thermal_paths[0] in build(new_launch(), hot)["linux"]["maskedPaths"]


def test_devices_come_with_leave_to_use_them(new_launch: NewLaunch, facts: Facts) -> None:
    linux = build(new_launch(devices=(Device("/dev/full", "/dev/f", "r"),)), facts)["linux"]
    assert [(node["path"], node["minor"]) for node in linux["devices"]] == [("/dev/f", 7)]
    assert linux["resources"]["devices"][-1] == {"allow": True, "access": "r", "type": "c", "major": 1, "minor": 7}


def test_limits_and_root_are_set(new_launch: NewLaunch, facts: Facts) -> None:
    shared = MountPoint(MountType.BIND, "/src", "/a", propagation="rshared")
    config = build(
        new_launch(launch={"mounts": (shared,)}, read_only=True, resources=Resources(memory=64 << 20, pids_limit=5)),
        facts,
    )
    assert config["root"]["readonly"] is True
    assert config["linux"]["rootfsPropagation"] == "shared"
    assert config["linux"]["resources"]["memory"] == {"limit": 64 << 20, "swap": 128 << 20}
    assert config["linux"]["resources"]["pids"] == {"limit": 5}


@pytest.mark.parametrize("ready", [True, False])
def test_the_filter_is_also_a_program_where_the_runtime_takes_one(
    new_launch: NewLaunch, facts: Facts, *, ready: bool
) -> None:
    config = build(new_launch(), facts, ready_filter=ready)
    assert (len(config.get("annotations", {}).get("run.oci.seccomp_bpf_data", "")) > 1000) == ready
    assert config["linux"]["seccomp"]["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]


# -- check --------------------------------------------------------------------------------------------------------


def test_check_of_a_plain_guest_says_nothing(facts: Facts) -> None:
    assert spec.check(GuestSpec(image="busybox"), facts) == ()


def test_check_collects_warnings(facts: Facts) -> None:
    bare = dataclasses.replace(facts, controllers=facts.controllers - {"pids"})
    asked = GuestSpec(image="", security_opt=("label=disable", "apparmor=mine"), resources=Resources(pids_limit=3))
    warnings = spec.check(asked, bare)
    assert len(warnings) == 3
    assert all("no effect" in warning or "ignored" in warning for warning in warnings)


@pytest.mark.parametrize(
    "members",
    [
        {"cap_add": ("fly",)},
        {"security_opt": ("nonsense",)},
        {"security_opt": ("seccomp=/not/there.json",)},
        {"sysctls": {"kernel.panic": "1"}},
        {"devices": (Device("/dev/not-there", "/dev/x"),)},
        {"resources": Resources(memory=1)},
    ],
)
def test_check_refuses_before_there_is_a_guest(facts: Facts, members: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidInput):
        spec.check(GuestSpec(image="", **members), facts)


def test_check_reads_a_profile(facts: Facts, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text('{"defaultAction": 5}')
    with pytest.raises(errors.InvalidInput, match=f"seccomp profile {file}: Expected `str`, got `int`"):
        spec.check(GuestSpec(image="", security_opt=(f"seccomp={file}",)), facts)
