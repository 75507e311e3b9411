"""Docker's profile format, and Docker's default profile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wirt import errors
from wirt.abi.oci_runtime import Seccomp
from wirt.container.seccomp_profile import Profile, parse, resolve
from wirt.container.seccomp_table import DEFAULT_PROFILE
from wirt.kinds.capabilities import DEFAULT

ADMIN = (*DEFAULT, "CAP_SYS_ADMIN")

# Reference profiles of Debian's packages, installed or unpacked by bench/peers.py.
DOCKERS = "usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json"
PODMANS = "usr/share/containers/seccomp.json"

# What Docker's profile has taken in or left out since the one in Debian 12 (20.10).
_NEWER = """
cachestat clock_settime64 fchmodat2 futex_requeue futex_wait futex_wake getxattrat listmount listxattrat
lsm_get_self_attr lsm_list_modules lsm_set_self_attr map_shadow_stack mseal name_to_handle_at pkey_alloc pkey_free
pkey_mprotect process_vm_readv process_vm_writev removexattrat riscv_hwprobe set_mempolicy_home_node setxattrat
statmount uretprobe
"""
NEWER = set(_NEWER.split())
OLDER = {"io_uring_enter", "io_uring_register", "io_uring_setup", "socket"}


def reference(path: str, package: str) -> bytes:
    for root in (Path("/"), Path(__file__).parents[3] / "build/peers/root"):
        if (root / path).exists():
            return (root / path).read_bytes()
    pytest.skip(f"/{path} is missing (Debian: {package}; bench/peers.py fetches it)")


def section(caps: tuple[str, ...] = DEFAULT, machine: str = "x86_64", kernel: tuple[int, int] = (6, 1)) -> Seccomp:
    made = resolve(DEFAULT_PROFILE, frozenset(caps), machine, kernel)
    assert made is not None
    return made


def allowed(made: Seccomp) -> set[str]:
    """Calls that pass whatever their arguments are."""
    return {name for rule in made.syscalls if rule.action == "SCMP_ACT_ALLOW" and not rule.args for name in rule.names}


def test_what_is_not_named_is_not_permitted() -> None:
    assert (section().default_action, section().default_errno_ret) == ("SCMP_ACT_ERRNO", 1)


def test_dangerous_calls_need_their_capability() -> None:
    dangerous = {"mount", "unshare", "setns", "bpf", "clone3", "reboot", "init_module", "syslog", "settimeofday"}
    never = {
        "keyctl",
        "add_key",
        "request_key",
        "kexec_load",
        "userfaultfd",
        "io_uring_setup",
        "swapon",
        "open_tree_attr",
    }
    assert not allowed(section()) & (dangerous | never)
    assert {"mount", "unshare", "setns", "bpf", "clone3", "syslog"} <= allowed(section(ADMIN))
    assert not allowed(section(ADMIN)) & (never | {"reboot", "init_module"})


def test_ordinary_calls_pass_in_one_rule() -> None:
    plain = [rule for rule in section().syscalls if rule.action == "SCMP_ACT_ALLOW" and not rule.args]
    assert len(plain) == 1
    assert {"read", "openat", "chroot", "ptrace", "arch_prctl", "execve"} <= set(plain[0].names)
    assert len(plain[0].names) == len(set(plain[0].names))


def test_clone3_pretends_not_to_exist() -> None:
    [rule] = [rule for rule in section().syscalls if "clone3" in rule.names]
    assert (rule.action, rule.errno_ret) == ("SCMP_ACT_ERRNO", 38)


def test_ptrace_needs_a_kernel_that_filters_after_it() -> None:
    assert "ptrace" not in allowed(section(kernel=(4, 7)))
    assert "ptrace" in allowed(section(kernel=(4, 8)))


@pytest.mark.parametrize(
    ("machine", "architectures", "name"),
    [
        ("x86_64", ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"), "modify_ldt"),
        ("aarch64", ("SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"), "cacheflush"),
        ("riscv64", ("SCMP_ARCH_RISCV64",), "riscv_flush_icache"),
        ("s390x", ("SCMP_ARCH_S390X", "SCMP_ARCH_S390"), "s390_runtime_instr"),
        ("sparc", (), ""),
    ],
)
def test_architectures_have_calls_of_their_own(machine: str, architectures: tuple[str, ...], name: str) -> None:
    made = section(machine=machine)
    assert made.architectures == architectures
    own = {"modify_ldt", "cacheflush", "riscv_flush_icache", "s390_runtime_instr"}
    assert allowed(made) & own == ({name} if name else set())


def test_clone_takes_its_flags_elsewhere_on_s390() -> None:
    index = {
        machine: [rule.args[0].index for rule in section(machine=machine).syscalls if rule.names == ("clone",)]
        for machine in ("x86_64", "s390x")
    }
    assert index == {"x86_64": [0], "s390x": [1]}


@pytest.mark.parametrize("caps", [(), DEFAULT, ADMIN, (*ADMIN, "CAP_SYS_PTRACE", "CAP_SYS_TIME", "CAP_SYS_NICE")])
def test_default_differs_from_an_older_dockers_as_docker_does(caps: tuple[str, ...]) -> None:
    profile = reference(DOCKERS, "golang-github-docker-docker-dev")
    theirs = resolve(parse(profile, "docker"), frozenset(caps), "x86_64", (6, 1))
    assert theirs is not None
    assert allowed(section(caps)) - allowed(theirs) <= NEWER
    assert allowed(theirs) - allowed(section(caps)) <= OLDER
    assert section(caps).architectures == theirs.architectures


def test_default_allows_nothing_that_podmans_forbids() -> None:
    profile = reference(PODMANS, "golang-github-containers-common")
    theirs = resolve(parse(profile, "podman"), frozenset(DEFAULT), "x86_64", (6, 1))
    assert theirs is not None
    lenient = {"io_pgetevents", "vmsplice"}  # Podman forbids what Docker leaves to the kernel's own checks
    unknown = {"futex_waitv", "getsid", "io_pgetevents_time64"}
    assert allowed(section()) - allowed(theirs) <= NEWER | lenient | unknown


# -- profiles of the user's -----------------------------------------------------------------------------------------


def resolved(text: str, caps: tuple[str, ...] = ()) -> Seccomp | None:
    return resolve(parse(text.encode(), "mine"), frozenset(caps), "x86_64", (6, 1))


def test_profile_of_the_old_form_is_read() -> None:
    rule = {"name": "mkdir", "action": "SCMP_ACT_ERRNO", "args": None, "comment": "", "includes": {}}
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [rule]}
    made = resolved(json.dumps(profile))
    assert made is not None
    assert made.architectures == ("SCMP_ARCH_X86_64",)
    assert made.syscalls[0].names == ("mkdir",)


@pytest.mark.parametrize(
    ("condition", "applies"),
    [
        ({}, True),
        ({"includes": {"caps": ["CAP_CHOWN"]}}, True),
        ({"includes": {"caps": ["CAP_CHOWN", "CAP_KILL"]}}, False),
        ({"includes": {"arches": ["arm64", "amd64"]}}, True),
        ({"includes": {"arches": ["arm64"]}}, False),
        ({"includes": {"minKernel": "6.1"}}, True),
        ({"includes": {"minKernel": "6.2"}}, False),
        ({"excludes": {"caps": ["CAP_CHOWN", "CAP_KILL"]}}, False),
        ({"excludes": {"caps": ["CAP_KILL"]}}, True),
        ({"excludes": {"arches": ["amd64"]}}, False),
        ({"excludes": {"minKernel": "5.0"}}, False),
    ],
)
def test_conditions_decide_on_rules(condition: dict[str, object], applies: bool) -> None:
    rule = {"names": ["mkdir"], "action": "SCMP_ACT_ALLOW", **condition}
    made = resolved(json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [rule]}), ("CAP_CHOWN",))
    assert made is not None
    assert bool(made.syscalls) is applies


def test_profile_that_says_nothing_is_none() -> None:
    assert resolved("{}") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no json", "seccomp profile mine: JSON is malformed"),
        ("[]", "seccomp profile mine: Expected `object`"),
        ('{"syscalls": [{"names": ["a"], "action": "x"}]}', "it has no defaultAction"),
        (
            '{"defaultAction": "x", "architectures": ["a"], "archMap": [{"architecture": "b"}]}',
            "both architectures and",
        ),
    ],
)
def test_profile_that_makes_no_sense_is_refused(text: str, message: str) -> None:
    with pytest.raises(errors.InvalidInput, match=message):
        resolved(text)


def test_profile_with_an_odd_kernel_is_refused() -> None:
    rule = {"names": ["a"], "action": "x", "includes": {"minKernel": "new"}}
    with pytest.raises(errors.InvalidInput, match='minKernel "new" is no version'):
        resolved(json.dumps({"defaultAction": "y", "syscalls": [rule]}))


def test_empty_profile_object_is_the_default_of_its_members() -> None:
    assert parse(b"{}", "mine") == Profile()
