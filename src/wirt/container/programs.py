"""Two programs of a few instructions, written out by hand, because nothing on a host is sure to be there instead.

``proof``: ends with 42. It is what a runtime must run before we trust it, and needs no library, shell or interpreter.

``v1_view``: runs a program that sees v1's cgroups only. crun refuses a hybrid host whose v2 tree has controllers left,
although it needs none of them; in a mount namespace where an empty folder hides that tree it works, and starts a
container in a third of runc's time. (It makes folders there all the same: they go with the namespace.) A shell with
unshare(1) and mount(8) does the same in 5 ms, and this in 0.5.
"""

from __future__ import annotations

import struct

__all__ = ["PROOF_STATUS", "executable", "proof", "v1_view"]

PROOF_STATUS = 42

_BASE = 0x40_0000
_MACHINES = {"x86_64": 62, "aarch64": 183}  # EM_... of <linux/elf-em.h>
_HEADERS = struct.Struct("<16sHHIQQQIHHHHHH" + "IIQQQQQQ")  # Elf64_Ehdr, Elf64_Phdr (elf(5))


def executable(machine: str, code: bytes) -> bytes:
    """An ELF file for ``machine`` (uname(2)) of one read-only, executable segment that begins with its own headers."""
    entry = _BASE + _HEADERS.size
    size = _HEADERS.size + len(code)
    identity = b"\x7fELF" + bytes((2, 1, 1))  # 64 bits, little endian, version 1
    file_header = (identity, 2, _MACHINES[machine], 1, entry, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = (1, 5, 0, _BASE, _BASE, size, size, 0x1000)  # PT_LOAD, readable and executable
    return _HEADERS.pack(*file_header, *segment) + code


def proof(machine: str) -> bytes | None:
    """exit(42) for ``machine`` (uname(2)); ``None`` where we cannot write it."""
    match machine:
        case "x86_64":
            # mov edi, 42; mov eax, 60 (exit); syscall
            return executable(machine, bytes.fromhex("bf2a000000 b83c000000 0f05"))
        case "aarch64":
            # mov x0, #42; mov x8, #93 (exit); svc #0
            return executable(machine, bytes.fromhex("400580d2 a80b80d2 010000d4"))
    return None


# argv: itself, a cgroup.procs file to join first or "", the program, its arguments.
_V1_VIEW = """
488b7c2410      mov  rdi, [rsp+16]      # argv[1]
803f00          cmp  byte [rdi], 0
742d            je   view
be01000800      mov  esi, 0x80001       # O_WRONLY | O_CLOEXEC
b802000000      mov  eax, 2             # open
0f05            syscall
85c0            test eax, eax
0f8887000000    js   fail
89c7            mov  edi, eax
488d35a2000000  lea  rsi, [zero]        # "0" is the writer itself
ba01000000      mov  edx, 1
b801000000      mov  eax, 1             # write
0f05            syscall
85c0            test eax, eax
786e            js   fail
bf00000200      mov  edi, 0x20000       # view: CLONE_NEWNS
b810010000      mov  eax, 272           # unshare
0f05            syscall
85c0            test eax, eax
785e            js   fail
31ff            xor  edi, edi
488d357a000000  lea  rsi, [top]
31d2            xor  edx, edx
41ba00000400    mov  r10d, 0x40000      # MS_PRIVATE: what we mount must not reach the host
4531c0          xor  r8d, r8d
b8a5000000      mov  eax, 165           # mount
0f05            syscall
85c0            test eax, eax
783f            js   fail
488d3d83000000  lea  rdi, [kind]
488d3565000000  lea  rsi, [tree]
4889fa          mov  rdx, rdi
41ba0e000000    mov  r10d, 14           # MS_NOSUID | MS_NODEV | MS_NOEXEC
4531c0          xor  r8d, r8d
b8a5000000      mov  eax, 165           # mount
0f05            syscall
85c0            test eax, eax
781a            js   fail
488b7c2418      mov  rdi, [rsp+24]      # argv[2]
488d742418      lea  rsi, [rsp+24]
488b0424        mov  rax, [rsp]         # argc
488d54c410      lea  rdx, [rsp+rax*8+16]
b83b000000      mov  eax, 59            # execve
0f05            syscall
bf02000000      mov  edi, 2             # fail:
488d3545000000  lea  rsi, [words]
ba40000000      mov  edx, 64
b801000000      mov  eax, 1             # write
0f05            syscall
bf7d000000      mov  edi, 125
b8e7000000      mov  eax, 231           # exit_group
0f05            syscall
"""
_V1_VIEW_DATA = (
    b"0"  # zero
    b"/sys/fs/cgroup\0"  # top
    b"/sys/fs/cgroup/unified\0"  # tree
    b"tmpfs\0"  # kind
    b"wirt: cannot hide the cgroup v2 tree from the container runtime\n"  # words
)


def v1_view(machine: str) -> bytes | None:
    """The program for ``machine``; ``None`` where we have not written it."""
    if machine != "x86_64":
        return None
    code = bytes.fromhex("".join(line.split()[0] for line in _V1_VIEW.split("\n") if line))
    return executable(machine, code + _V1_VIEW_DATA)
