"""A seccomp section as the program the kernel runs.

Runtimes make the program anew for every container: measured here, 13 ms of a start with two architectures, 20 ms with
three. crun takes a ready one (``run.oci.seccomp_bpf_data``), so it is made once and kept; a tree search in it also
spares the kernel a millisecond each time it is loaded. The section stays in config.json beside it, and rules where a
runtime does not know the annotation.

Like runc, we answer calls younger than every call of the profile with ENOSYS instead of the profile's default, so that
programs fall back to what there was before (https://github.com/opencontainers/runc/pull/2750).
"""

from __future__ import annotations

import base64
import struct

from wirt.abi.oci_runtime import Seccomp, SyscallArg, SyscallRule
from wirt.host.seccomp import Comparison, Filter, architecture, available, syscall_number

__all__ = ["compile_section"]

_ACTIONS = {
    "SCMP_ACT_KILL": 0x0000_0000,
    "SCMP_ACT_KILL_THREAD": 0x0000_0000,
    "SCMP_ACT_TRAP": 0x0003_0000,
    "SCMP_ACT_ERRNO": 0x0005_0000,
    "SCMP_ACT_TRACE": 0x7FF0_0000,
    "SCMP_ACT_LOG": 0x7FFC_0000,
    "SCMP_ACT_ALLOW": 0x7FFF_0000,
    "SCMP_ACT_KILL_PROCESS": 0x8000_0000,
}
_WITH_DATA = ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE")
_LENIENT = ("SCMP_ACT_ALLOW", "SCMP_ACT_LOG")
_EPERM = 1
_ENOSYS = 38

# <linux/bpf_common.h>, <linux/seccomp.h>: struct sock_filter and the instructions used below.
_INSTRUCTION = struct.Struct("=HBBI")
_LOAD_WORD = 0x20
_JUMP, _JUMP_EQUAL, _JUMP_GREATER, _JUMP_SET = 0x05, 0x15, 0x25, 0x45
_RETURN = 0x06
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
_X32 = "SCMP_ARCH_X32"
_X32_BIT = 0x4000_0000
_X86_64 = "SCMP_ARCH_X86_64"


def compile_section(section: Seccomp) -> str | None:
    """The program, base64; ``None`` when the section says something only the runtime can arrange for."""
    if not available() or section.flags or section.listener_path:
        return None
    if any(action not in _ACTIONS for action in (section.default_action, *(rule.action for rule in section.syscalls))):
        return None
    program = _young_calls(section) + _rules(section)
    return base64.b64encode(program).decode()


def _rules(section: Seccomp) -> bytes:
    default = _action(section.default_action, section.default_errno_ret)
    with Filter(default) as made:
        made.optimize(2)
        for name in section.architectures:
            made.add_architecture(architecture(name))
        for rule in section.syscalls:
            action = _action(rule.action, rule.errno_ret)
            if action == default:
                continue  # the library refuses what would change nothing
            known = (number for number in map(syscall_number, rule.names) if number is not None)
            for number in known:
                for conditions in _alternatives(rule.args):
                    made.add_rule(action, number, conditions)
        return made.export()


def _action(name: str, errno_ret: int | None) -> int:
    data = (_EPERM if errno_ret is None else errno_ret) if name in _WITH_DATA else 0
    return _ACTIONS[name] | data & 0xFFFF


def _alternatives(args: tuple[SyscallArg, ...]) -> list[tuple[Comparison, ...]]:
    """Conditions on different arguments must all hold; several on one argument make every condition an alternative."""
    conditions = [Comparison(arg.index, arg.op, arg.value, arg.value_two) for arg in args]
    if len({arg.index for arg in args}) < len(args):
        return [(condition,) for condition in conditions]
    return [tuple(conditions)]


# -- calls the profile is too old to know --------------------------------------------------------------------------


def _young_calls(section: Seccomp) -> bytes:
    """Instructions to go before the rules."""
    default = _action(section.default_action, section.default_errno_ret)
    if section.default_action in _LENIENT or default == _ACTIONS["SCMP_ACT_ERRNO"] | _ENOSYS:
        return b""
    blocks = [
        _block(
            architecture(name), _newest(section.syscalls, name), x32=_newest_x32(section) if name == _X86_64 else None
        )
        for name in section.architectures
        if name != _X32 and architecture(name)
    ]
    made = _op(_LOAD_WORD, _ARCHITECTURE) if blocks else b""
    for position, block in enumerate(blocks):
        rest = sum(len(later) for later in blocks[position + 1 :])
        # The block's last instruction leaves for the rules.
        made += block + _op(_JUMP, rest // _INSTRUCTION.size + len(blocks[position + 1 :]))
    return made


def _block(token: int, newest: int, *, x32: int | None) -> bytes:
    """Return ENOSYS for a number above ``newest``, else go on behind; x32's numbers have a range of their own."""
    refuse = _op(_RETURN, _ACTIONS["SCMP_ACT_ERRNO"] | _ENOSYS)
    tests = _op(_LOAD_WORD, _NUMBER)
    if x32 is None:
        tests += _op(_JUMP_GREATER, newest, no=1)
    else:
        tests += (
            _op(_JUMP_SET, _X32_BIT, no=1) + _op(_JUMP_GREATER, x32, yes=1, no=2) + _op(_JUMP_GREATER, newest, no=1)
        )
    body = tests + refuse
    return _op(_JUMP_EQUAL, token, no=len(body) // _INSTRUCTION.size + 1) + body


def _newest_x32(section: Seccomp) -> int | None:
    return _newest(section.syscalls, _X32) if _X32 in section.architectures else None


def _newest(rules: tuple[SyscallRule, ...], name: str) -> int:
    token = architecture(name)
    numbers = (syscall_number(call, token) for rule in rules for call in rule.names)
    return max((number for number in numbers if number is not None and number >= 0), default=0)


def _op(code: int, operand: int, *, yes: int = 0, no: int = 0) -> bytes:
    return _INSTRUCTION.pack(code, yes, no, operand)
