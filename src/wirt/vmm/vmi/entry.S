/*
 * What the monitor puts into the supervisor window of every micro guest, as a flat file of four pages: a head that says
 * where things are (for library.py; not loaded), the system-call entry for hosts where `syscall` stays in ring 3, the
 * one for ring 0, and the exception stubs. Position-independent: each vCPU has a copy of its entry page, with its
 * thread page at the end, so a thread's data is found from rip alone.
 *
 * What must hold in an entry page (System V ABI, A.2.1): every register but rax, rcx and r11 is left alone, and so is
 * the stack, which may be anything. rcx (where to return) and r11 (the flags before) stay as `syscall` left them, and
 * so do the arguments: at each instruction the call can be begun anew, or handed to the monitor. For that the head
 * lists which call each stretch of code is about (library.py, Entry.interrupted).
 */
#include "vmi.h"

#define THREAD(base, field) base + VMI_THREAD + VMI_THREAD_##field(%rip)

        .code64
        .section .library, "ax", @progbits

/* ---- the head */
head:
        .long VMI_MAGIC, VMI_VERSION
        .long library_end - head
        .long user_entry - head, user_out - user_entry, user_end - user_entry
        .long user_calls - head, (user_calls_end - user_calls) / 12
        .long system_entry - head, system_out - system_entry, system_end - system_entry
        .long system_calls - head, (system_calls_end - system_calls) / 12
        .long stubs - head
/* start, end (offsets in the page), number of the call */
#define CALL(entry, name, number) .long name - entry, name##_end - entry, number
user_calls:
        CALL(user_entry, user_getpid, 39)
        CALL(user_entry, user_gettid, 186)
        CALL(user_entry, user_getuid, 102)
        CALL(user_entry, user_geteuid, 107)
        CALL(user_entry, user_getgid, 104)
        CALL(user_entry, user_getegid, 108)
        CALL(user_entry, user_getppid, 110)
        CALL(user_entry, user_sched_yield, 24)
        CALL(user_entry, user_getcpu, 309)
        CALL(user_entry, user_version, VMI_CALL_VERSION)
        CALL(user_entry, user_time, VMI_CALL_TIME)
user_calls_end:
system_calls:
        CALL(system_entry, system_getpid, 39)
        CALL(system_entry, system_gettid, 186)
        CALL(system_entry, system_getuid, 102)
        CALL(system_entry, system_geteuid, 107)
        CALL(system_entry, system_getgid, 104)
        CALL(system_entry, system_getegid, 108)
        CALL(system_entry, system_getppid, 110)
        CALL(system_entry, system_sched_yield, 24)
        CALL(system_entry, system_version, VMI_CALL_VERSION)
        CALL(system_entry, system_time, VMI_CALL_TIME)
system_calls_end:

/* Linux looks at the low half of rax only. */
        .macro on number, target
        cmpl    $\number, %eax
        je      \target
        .endm
        .macro dispatch prefix
        on      39, \prefix\()_getpid
        on      186, \prefix\()_gettid
        on      102, \prefix\()_getuid
        on      107, \prefix\()_geteuid
        on      104, \prefix\()_getgid
        on      108, \prefix\()_getegid
        on      110, \prefix\()_getppid
        on      24, \prefix\()_sched_yield
        on      VMI_CALL_VERSION, \prefix\()_version
        on      VMI_CALL_TIME, \prefix\()_time
        .endm

/*
 * ---- The entry for hosts where `syscall` does not raise the privilege level. It runs as a part of the program, so it
 * must give back the flags that it changes, without a stack. r11 has them: the low byte is what `sahf` takes, and the
 * overflow flag comes from an addition that overflows when bit 11 was set. The flags that `syscall` itself cleared
 * (VMI_SFMASK_USER) cannot be given back so: such a call exits. `mov` and `jmp` at the end leave flags alone.
 */
        .balign 4096, 0
user_entry:
        testb   $VMI_FLAG_ANSWER, THREAD(user_entry, FLAGS)
        jz      user_out
        testl   $VMI_RARE_FLAGS, %r11d
        jnz     user_out
        dispatch user
        on      309, user_getcpu
user_out:
        outb    %al, $VMI_PORT_CALL
        ud2     /* the monitor goes on at rcx with the flags of r11 */

        .macro give_back_flags
        movl    %r11d, %eax
        shll    $8, %eax /* the low byte is in ah, the overflow flag is bit 19 */
        btl     $19, %eax
        setc    %al
        addb    $0x7F, %al
        sahf
        .endm
        .macro answer name, field:vararg
\name:
        give_back_flags
        movl    \field, %eax
        jmp     *%rcx
\name\()_end:
        .endm
        .macro require flag
        testb   $\flag, THREAD(user_entry, FLAGS)
        jz      user_out
        .endm

        answer  user_getpid, THREAD(user_entry, PID)
        answer  user_gettid, THREAD(user_entry, TID)
        answer  user_getuid, THREAD(user_entry, UID)
        answer  user_geteuid, THREAD(user_entry, EUID)
        answer  user_getgid, THREAD(user_entry, GID)
        answer  user_getegid, THREAD(user_entry, EGID)
        answer  user_version, $VMI_VERSION
user_getppid:
        require VMI_FLAG_PPID
        give_back_flags
        movl    THREAD(user_entry, PPID), %eax
        jmp     *%rcx
user_getppid_end:
user_time:
        give_back_flags
        movq    THREAD(user_entry, TIME), %rax
        jmp     *%rcx
user_time_end:
user_sched_yield:
        require VMI_FLAG_YIELD
        give_back_flags
        movl    $0, %eax
        jmp     *%rcx
user_sched_yield_end:
user_getcpu: /* a pointer that cannot be written faults here, and the monitor makes the call: EFAULT */
        require VMI_FLAG_CPU
        testq   %rdi, %rdi
        jz      1f
        movl    THREAD(user_entry, CPU), %eax
        movl    %eax, (%rdi)
1:      testq   %rsi, %rsi
        jz      2f
        movl    THREAD(user_entry, NODE), %eax
        movl    %eax, (%rsi)
2:      give_back_flags
        movl    $0, %eax
        jmp     *%rcx
user_getcpu_end:
user_end:
        .org    user_entry + VMI_THREAD, 0xCC /* fails to assemble when the code is longer */
        .skip   VMI_THREAD_SIZE

/*
 * ---- The entry for ring 0: `sysretq` brings back rip and flags. The page belongs to the supervisor. It touches no
 * memory of the program's, so SMAP and SMEP may be on; calls that take a pointer exit.
 */
        .balign 4096
system_entry:
        testb   $VMI_FLAG_ANSWER, THREAD(system_entry, FLAGS)
        jz      system_out
        dispatch system
system_out:
        outb    %al, $VMI_PORT_CALL
        sysretq
        .macro reply name, field:vararg
\name:
        movl    \field, %eax
        sysretq
\name\()_end:
        .endm
        reply   system_getpid, THREAD(system_entry, PID)
        reply   system_gettid, THREAD(system_entry, TID)
        reply   system_getuid, THREAD(system_entry, UID)
        reply   system_geteuid, THREAD(system_entry, EUID)
        reply   system_getgid, THREAD(system_entry, GID)
        reply   system_getegid, THREAD(system_entry, EGID)
        reply   system_version, $VMI_VERSION
system_getppid:
        testb   $VMI_FLAG_PPID, THREAD(system_entry, FLAGS)
        jz      system_out
        movl    THREAD(system_entry, PPID), %eax
        sysretq
system_getppid_end:
system_sched_yield:
        testb   $VMI_FLAG_YIELD, THREAD(system_entry, FLAGS)
        jz      system_out
        xorl    %eax, %eax
        sysretq
system_sched_yield_end:
system_time:
        movq    THREAD(system_entry, TIME), %rax
        sysretq
system_time_end:
system_end:
        .org    system_entry + VMI_THREAD, 0xCC /* fails to assemble when the code is longer */
        .skip   VMI_THREAD_SIZE

/*
 * ---- Exception stubs, one per vector, always in ring 0, which some hosts emulate at a microsecond an instruction. So
 * there is one instruction: where it was tells the vector, and rsp the frame that the processor pushed (error code when
 * the vector has one, then rip, cs, rflags, rsp, ss). The monitor reads cr2 itself, puts rsp at the frame's rip and
 * goes on at `iretq`, or elsewhere.
 */
        .balign 4096
stubs:
        .set    vector, 0
        .rept   VMI_VECTORS
        .org    stubs + vector * VMI_STUB_SIZE, 0xCC
        outb    %al, $VMI_PORT_FAULT
        iretq
        .set    vector, vector + 1
        .endr
        .balign 4096, 0xCC
library_end:
        .section .note.GNU-stack, "", @progbits
