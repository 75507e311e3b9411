"""<asm/signal.h>, <asm-generic/siginfo.h>, <asm/sigcontext.h> and <asm/ucontext.h> of x86-64."""

from __future__ import annotations

import struct

_NSIG = 64
SIGKILL, SIGSTOP, SIGRTMIN, SIGRTMAX = 9, 19, 32, 64

SIG_DFL, SIG_IGN = 0, 1
SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK = 0, 1, 2

SA_NOCLDSTOP, SA_NOCLDWAIT, SA_SIGINFO = 0x1, 0x2, 0x4
SA_UNSUPPORTED, SA_EXPOSE_TAGBITS = 0x400, 0x800
SA_RESTORER = 0x0400_0000
SA_ONSTACK, SA_RESTART, SA_NODEFER, SA_RESETHAND = 0x0800_0000, 0x1000_0000, 0x4000_0000, 0x8000_0000
# UAPI_SA_FLAGS of <linux/signal_types.h>: what sigaction(2) gives back
UAPI_SA_FLAGS = (
    SA_NOCLDSTOP
    | SA_NOCLDWAIT
    | SA_SIGINFO
    | SA_EXPOSE_TAGBITS
    | SA_RESTORER
    | SA_ONSTACK
    | SA_RESTART
    | SA_NODEFER
    | SA_RESETHAND
)

SS_ONSTACK, SS_DISABLE, SS_AUTODISARM = 1, 2, 1 << 31
MINSIGSTKSZ = 2048

SI_USER, SI_KERNEL, SI_TKILL = 0, 0x80, -6
TRAP_BRKPT, SEGV_MAPERR, SEGV_ACCERR = 1, 1, 2

SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD, SIGEV_THREAD_ID = 0, 1, 2, 4

siginfo_size = 128
# si_signo, si_errno, si_code, then (aligned) si_addr of a fault
siginfo_fault = struct.Struct("<iii4xQ104x")
# the same three of one that was sent with a value (rt_sigqueueinfo(2)), then si_pid, si_uid, si_value
siginfo_queued = struct.Struct("<iii4xiIQ96x")
# handler, flags, restorer, mask: the kernel's struct sigaction
kernel_sigaction = struct.Struct("<QQQQ")
# ss_sp, ss_flags, ss_size
stack_t = struct.Struct("<Qi4xQ")

TASK_SIZE_MAX = (1 << 47) - 4096  # <asm/page_64_types.h>: user mode ends here
UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS = 1, 2, 4
USER_CS, USER_DS = 0x33, 0x2B
FP_XSTATE_MAGIC1, FP_XSTATE_MAGIC2 = 0x4650_5853, 0x4650_5845

# The general registers in the order of struct sigcontext_64.
SIGCONTEXT_REGISTERS = (
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp", "rip", "rflags",
)  # fmt: skip

# struct rt_sigframe: pretcode; uc_flags, uc_link, uc_stack; the registers above, cs, gs, fs, ss, err, trapno, oldmask,
# cr2, fpstate, reserved1; uc_sigmask; info
rt_sigframe = struct.Struct("<Q QQQi4xQ 18Q 4H 4Q Q 64x Q 128s")
rt_sigframe_offsets = {"uc": 8, "uc_mcontext": 48, "uc_sigmask": 304, "info": 312}

# struct _fpx_sw_bytes, at this offset of the FXSAVE area: magic1, extended_size, xfeatures, xstate_size
fpx_sw_bytes = struct.Struct("<IIQI28x")
FPX_SW_BYTES = 464
FXSAVE_SIZE, XSAVE_HEADER_SIZE = 512, 64
XFEATURE_MASK_FPSSE = 3
