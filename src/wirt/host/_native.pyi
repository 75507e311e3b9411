"""Raw calls, interruptible waits, memory and KVM_RUN for the monitor of micro guests (``_native.c``; x86-64 only).

A word may be any int: it is taken modulo 2**64. bytes and bytearray stand for their address: a NUL follows them, the
kernel reads the one and may fill the other. A call's result below zero is -errno. Addresses are of this process.
"""

from typing import NoReturn

from typing_extensions import Buffer

Word = int | bytes | bytearray

def call(nr: int, a: Word = 0, b: Word = 0, c: Word = 0, d: Word = 0, e: Word = 0, f: Word = 0, /) -> int:
    """System call ``nr``, syscall(2); other threads run meanwhile. Never for fork and its like: Python must know."""

def quick(nr: int, a: Word = 0, b: Word = 0, c: Word = 0, d: Word = 0, e: Word = 0, f: Word = 0, /) -> int:
    """As ``call``, with the interpreter's lock held: for calls that never block."""

def wait(mask: int, nr: int, a: Word = 0, b: Word = 0, c: Word = 0, d: Word = 0, e: Word = 0, f: Word = 0, /) -> int:
    """As ``call``, with the thread's signal mask set to ``mask`` (bit n-1 blocks signal n) while it lasts.

    -EINTR when a signal outside ``mask`` is pending or becomes so; it stays pending, with its siginfo and in its
    order, but for this thread, also when it was sent to the process. Afterwards everything is blocked.
    ``own_signals`` comes first.
    """

def note(wanted: bool, /) -> None:
    """Whether ``call``, ``quick`` and ``wait`` of this thread are written down from now on; nothing is by now."""

def noted() -> list[tuple[int, int, int, int]]:
    """The first 64 calls of this thread since the last ``noted`` or ``note``, which are forgotten by that.

    Number, result, beginning and end: CLOCK_MONOTONIC in nanoseconds.
    """

def own_signals() -> None:
    """Block all signals in this thread, and install the handler that ``wait`` needs for all of them.

    The handler belongs to the process: every other thread must block all signals too. Replaces Python's handlers.
    """

def interruption() -> int:
    """How a signal ended this thread's last ``wait``.

    0: it did not, or the kernel has the call end with EINTR. 1: the kernel would make the call again after the handler
    (ERESTARTSYS and SA_RESTART). 2: the signal was there before the call, which has not been made.
    """

def disposition(sig: int, how: int, flags: int = 0, /) -> None:
    """What signal ``sig`` does: 0 ``wait``'s handler, 1 SIG_DFL, 2 SIG_IGN. OSError(EINVAL) for KILL and STOP.

    ``flags``: of SA_RESTART, SA_NOCLDSTOP and SA_NOCLDWAIT; others are left out.
    """

def fork(exit_signal: int, sibling: bool, /) -> int:
    """os.fork() with another signal for the parent at the child's end (0: none), or for our own parent (CLONE_PARENT).

    ``OSError``. The C library takes no part: other threads must not be inside it.
    """

def look(folder: int, flags: int, path: bytes, room: bytearray, /) -> tuple[int, int]:
    """Fill ``room`` with a file, or with O_DIRECTORY with the struct linux_dirent64 of a folder.

    ``path`` from the descriptor ``folder`` on; a link at its end is not followed. No descriptor of this process is used
    for it, as other threads, and other processes through /proc, could use that too. Who looks is a child: it is "self"
    in a procfs, has copies of our descriptors, and is listed among processes.
    Returns how many bytes were filled, and the child. -ERANGE when ``room`` is too small, or just filled.
    """

def fault(sig: int, /) -> NoReturn:
    """End the process by SIGILL, SIGTRAP, SIGFPE, SIGBUS or SIGSEGV as the processor raises it, also when it is the
    first of its pid namespace. ValueError for other signals.
    """

def peek(address: int, size: int, /) -> bytes:
    """``size`` bytes. An address that is not mapped, or beyond the end of its file, ends the process."""

def poke(address: int, data: Buffer, /) -> None:
    """Put ``data`` there. What ``peek`` says of addresses holds."""

def peek_safe(address: int, size: int, /) -> bytes:
    """As ``peek``, with OSError(EFAULT) for what cannot be read: process_vm_readv(2) on ourselves."""

def poke_safe(address: int, data: Buffer, /) -> None:
    """As ``poke``, with OSError(EFAULT) for what cannot be written, perhaps after a part was."""

def cstring(address: int, limit: int, /) -> bytes | None:
    """The bytes before the NUL; None when the first ``limit`` bytes have none."""

def address_of(data: bytes | bytearray, /) -> int:
    """Where the bytes are, for a structure with pointers: good as long as ``data`` lives and keeps its length."""

def u32(address: int, /) -> int: ...
def u64(address: int, /) -> int: ...
def put_u32(address: int, value: int, /) -> None: ...
def put_u64(address: int, value: int, /) -> None: ...
def put_entries(address: int, first: int, step: int, count: int, /) -> None:
    """Put ``count`` 64-bit words: ``first``, ``first + step`` and so on."""

def enter(vcpu_fd: int, run_address: int, /) -> tuple[int, int, int, int, int, int, int, int, int, int, int]:
    """KVM_RUN; other threads run meanwhile. (status, reason, port, rax, rdi, rsi, rdx, r10, r8, r9, rip).

    Status 0 or -errno. Port counts for KVM_EXIT_IO only. Needs KVM_SYNC_X86_REGS in ``kvm_valid_regs``.
    """

def answer(run_address: int, result: int, rip: int = 0, /) -> None:
    """Set ``rax`` for the next ``enter``, and ``rip``: to where ``sysretq`` is, or with 0 do what it would do.

    Then rip comes from rcx, rflags from r11, as far as a program may choose them.
    """

def emulate(
    emulator: int, mask: int, rip: int, answer: int = 0, /
) -> tuple[int, int, int, int, int, int, int, int, int, int, int]:
    """uc_emu_start at ``rip``, with the signal mask ``mask``; other threads run meanwhile.

    (error, event, interrupted, rax, rdi, rsi, rdx, r10, r8, r9, rip). Event: -1 none, -2 a system call, -3 a jump to
    where runs begin, -4 `in` or `out` (rip is behind the block of code that has it), -5 code that is watched and has
    changed, else a vector. ``interrupted``: a signal outside ``mask`` is pending, or SIGRTMAX came from a thread of
    this process, which is taken.
    ``emulator``: the address of a struct emulator. With ``answer`` rax, rcx and r11 are set first, as a call does.
    """

def emulation_hooks() -> tuple[int, int, int, int, int, int]:
    """Addresses of C functions for Unicorn's hooks: of `syscall`, exceptions, blocks, `in`, `out`, watched blocks.

    Their data is the struct emulator; the last one's is a struct watch.
    """
