"""The filter program, run by an interpreter of the test's own, against what the section says."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt.abi.oci_runtime import Seccomp, SyscallArg, SyscallRule
from wirt.container.seccomp_profile import resolve
from wirt.container.seccomp_program import compile_section
from wirt.container.seccomp_table import DEFAULT_PROFILE
from wirt.host import seccomp
from wirt.kinds.capabilities import DEFAULT

ALLOW, KILL, EPERM, ENOSYS = 0x7FFF_0000, 0x0000_0000, 0x0005_0001, 0x0005_0026
X86_64, I386, X32_BIT = 0xC000_003E, 0x4000_0003, 0x4000_0000
ARCHITECTURES = ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32")

pytestmark = pytest.mark.skipif(not seccomp.available(), reason="libseccomp.so.2 is missing (Debian: libseccomp2)")


def run(program: bytes, architecture: int, number: int, args: tuple[int, ...] = ()) -> int:
    """What the kernel would do with a call (struct seccomp_data, little endian; <linux/filter.h>)."""
    data = struct.pack("<iIQ6Q", number, architecture, 0, *(*args, *(0,) * 6)[:6])
    code = list(struct.iter_unpack("=HBBI", program))
    accumulator, position = 0, 0
    while True:
        operation, yes, no, operand = code[position]
        position += 1
        match operation:
            case 0x20:
                [accumulator] = struct.unpack_from("<I", data, operand)
            case 0x54:
                accumulator &= operand
            case 0x05:
                position += operand
            case 0x15:
                position += yes if accumulator == operand else no
            case 0x25:
                position += yes if accumulator > operand else no
            case 0x35:
                position += yes if accumulator >= operand else no
            case 0x45:
                position += yes if accumulator & operand else no
            case 0x06:
                return int(operand)
            case _:
                raise AssertionError(f"instruction {operation:#x} is new to this test")


def compiled(section: Seccomp) -> bytes:
    program = compile_section(section)
    assert program is not None
    return base64.b64decode(program)


@pytest.fixture(scope="module")
def section() -> Seccomp:
    made = resolve(DEFAULT_PROFILE, frozenset(DEFAULT), "x86_64", (6, 1))
    assert made is not None
    return made


@pytest.fixture(scope="module")
def program(section: Seccomp) -> bytes:
    return compiled(section)


def call(name: str, architecture: str = "SCMP_ARCH_X86_64") -> int:
    number = seccomp.syscall_number(name, seccomp.architecture(architecture))
    assert number is not None
    return number


CONDITIONAL = {"socket", "personality", "clone", "clone3"}


def named(section: Seccomp, architecture: str) -> dict[int, str]:
    """Calls of the section that exist on an architecture, by number."""
    names = {name for rule in section.syscalls for name in rule.names}
    return {call(name, architecture): name for name in names if known(name, architecture)}


def test_every_number_gets_what_the_section_says(section: Seccomp, program: bytes) -> None:
    there = named(section, "SCMP_ARCH_X86_64")
    for number in range(600):
        if there.get(number) not in CONDITIONAL:
            expected = ALLOW if number in there else ENOSYS if number > max(there) else EPERM
            assert run(program, X86_64, number) == expected, (number, there.get(number))


def test_numbers_of_the_32_bit_kind_are_its_own(section: Seccomp, program: bytes) -> None:
    for number, name in named(section, "SCMP_ARCH_X86").items():
        assert name in CONDITIONAL or run(program, I386, number) == ALLOW, name
    for name in ("mount", "keyctl", "reboot", "swapon", "unshare"):
        assert run(program, I386, call(name, "SCMP_ARCH_X86")) == EPERM, name
    assert run(program, I386, 599) == ENOSYS


def known(name: str, architecture: str) -> bool:
    number = seccomp.syscall_number(name, seccomp.architecture(architecture))
    return number is not None and number >= 0


def test_x32_calls_are_told_from_others(program: bytes) -> None:
    assert run(program, X86_64, X32_BIT | call("getpid")) == ALLOW
    assert run(program, X86_64, X32_BIT | call("mount")) == EPERM
    assert run(program, X86_64, X32_BIT | 0x3000) == ENOSYS


def test_an_architecture_nobody_named_is_the_end(program: bytes) -> None:
    assert run(program, 0xC000_00B7, 0) == KILL  # aarch64


@given(family=st.integers(0, 50), high=st.sampled_from([0, 1, 0xFFFF_FFFF]))
def test_socket_families(program: bytes, family: int, high: int) -> None:
    """The kernel reads the lower half of the register only; the upper one must open no door."""
    made = run(program, X86_64, call("socket"), (high << 32 | family,))
    blocked = family in (38, 40) or family > 45
    assert made == (EPERM if blocked or high else ALLOW)


@given(flags=st.integers(0, (1 << 32) - 1))
def test_clone_makes_no_namespaces(program: bytes, flags: int) -> None:
    assert run(program, X86_64, call("clone"), (flags,)) == (EPERM if flags & 0x7E02_0000 else ALLOW)


@pytest.mark.parametrize(
    ("persona", "action"),
    [(0, ALLOW), (8, ALLOW), (0x20008, ALLOW), (0xFFFF_FFFF, ALLOW), (1, EPERM), (0x40000, EPERM)],
)
def test_personalities(program: bytes, persona: int, action: int) -> None:
    assert run(program, X86_64, call("personality"), (persona,)) == action


def test_clone3_pretends_not_to_exist(program: bytes) -> None:
    assert run(program, X86_64, call("clone3")) == ENOSYS


# -- sections of other kinds ----------------------------------------------------------------------------------------


def one_rule(*args: SyscallArg, action: str = "SCMP_ACT_ERRNO", errno_ret: int | None = None) -> Seccomp:
    """Everything passes but mkdir, under conditions."""
    rule = SyscallRule(names=("mkdir", "no_such_call"), action=action, errno_ret=errno_ret, args=args)
    return Seccomp(default_action="SCMP_ACT_ALLOW", architectures=("SCMP_ARCH_X86_64",), syscalls=(rule,))


@pytest.mark.parametrize(
    ("action", "errno_ret", "made"),
    [
        ("SCMP_ACT_ERRNO", None, EPERM),
        ("SCMP_ACT_ERRNO", 13, 0x0005_000D),
        ("SCMP_ACT_KILL", None, KILL),
        ("SCMP_ACT_KILL_PROCESS", None, 0x8000_0000),
        ("SCMP_ACT_TRAP", None, 0x0003_0000),
        ("SCMP_ACT_LOG", None, 0x7FFC_0000),
        ("SCMP_ACT_ALLOW", None, ALLOW),
    ],
)
def test_actions(action: str, errno_ret: int | None, made: int) -> None:
    program = compiled(one_rule(action=action, errno_ret=errno_ret))
    assert run(program, X86_64, call("mkdir")) == made
    assert run(program, X86_64, 999) == ALLOW  # nothing is refused for being young where everything passes


def test_conditions_on_one_argument_are_alternatives_and_on_several_a_sum() -> None:
    one = compiled(one_rule(SyscallArg(0, 1, "SCMP_CMP_EQ"), SyscallArg(0, 2, "SCMP_CMP_EQ")))
    both = compiled(one_rule(SyscallArg(0, 1, "SCMP_CMP_EQ"), SyscallArg(1, 2, "SCMP_CMP_EQ")))
    number = call("mkdir")
    assert [run(one, X86_64, number, (value,)) for value in (1, 2, 3)] == [EPERM, EPERM, ALLOW]
    assert [run(both, X86_64, number, pair) for pair in ((1, 2), (1, 0), (0, 2))] == [EPERM, ALLOW, ALLOW]


@pytest.mark.parametrize(
    "made",
    [
        Seccomp(default_action="SCMP_ACT_ALLOW", flags=("SECCOMP_FILTER_FLAG_LOG",)),
        Seccomp(default_action="SCMP_ACT_ALLOW", listener_path="/run/listener"),
        one_rule(action="SCMP_ACT_NOTIFY"),
    ],
)
def test_what_only_a_runtime_can_arrange_is_left_to_it(made: Seccomp) -> None:
    assert compile_section(made) is None
