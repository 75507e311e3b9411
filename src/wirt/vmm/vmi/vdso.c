/*
 * The vDSO of micro guests: what vdso(7) lists for x86-64, computed from the time page, and the way to calls beyond
 * Linux's. Where the page is absent, being changed or too old, the function makes the system call instead; the monitor
 * then renews the page. Freestanding: no library, no relocation, no writable data.
 */
#include <stddef.h>

#include "vmi.h"

#define EXPORT __attribute__((visibility("default"), used))

#define SYS_gettimeofday 96
#define SYS_time 201
#define SYS_clock_gettime 228
#define SYS_clock_getres 229
#define SYS_getcpu 309
#define EINVAL 22

#define NS 1000000000ULL
#define SKEW 65536 /* cycles */

enum { REALTIME, MONOTONIC, RAW = 4, REALTIME_COARSE, MONOTONIC_COARSE, BOOTTIME, TAI = 11 };

struct timespec { int64_t seconds, nanoseconds; };
struct timeval { int64_t seconds, microseconds; };

extern const volatile struct vmi_time time_page __attribute__((visibility("hidden"))); /* vdso.lds */

static inline long
call(long number, uint64_t a, uint64_t b, uint64_t c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory", "cc");
    return result;
}

/* Neither begun before what stands above it nor after what stands below: the sequence is read around it. */
static inline uint64_t
cycles(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* The counters of two CPUs may differ a little. */
static inline uint64_t
passed(uint64_t since, uint64_t now, uint64_t mult)
{
    return now > since ? (now - since) * mult >> VMI_TIME_SHIFT : 0;
}

/* Much before the page was written is as bad as too late: this TSC is not the one that the page is about. */
static inline int
holds(const volatile struct vmi_time *page, uint64_t now)
{
    uint64_t begin = page->tsc - SKEW;
    return page->flags & VMI_TIME_USABLE && now - begin < page->tsc_until - begin;
}

/* The clock in nanoseconds; 0 when the page does not tell. */
static inline uint64_t
nanoseconds(int clock)
{
    const volatile struct vmi_time *page = &time_page;
    uint32_t sequence;
    uint64_t now, ns;

    do {
        sequence = page->sequence;
        now = cycles();
        if (sequence & 1 || !holds(page, now))
            return 0;
        if (clock == RAW)
            ns = page->raw + passed(page->tsc, now, page->raw_mult);
        else
            ns = page->monotonic + passed(page->tsc, now, page->monotonic_mult);
        switch (clock) {
        case REALTIME: ns += page->realtime; break;
        case REALTIME_COARSE: ns += page->realtime - page->coarse; break;
        case MONOTONIC_COARSE: ns -= page->coarse; break;
        case BOOTTIME: ns += page->boottime; break;
        case TAI: ns += page->tai; break;
        case MONOTONIC:
        case RAW: break;
        default: return 0;
        }
        __asm__ volatile("" : : : "memory");
    } while (page->sequence != sequence);
    return ns;
}

EXPORT int
__vdso_clock_gettime(int clock, struct timespec *result)
{
    uint64_t ns = nanoseconds(clock);
    if (!ns)
        return call(SYS_clock_gettime, clock, (uint64_t)result, 0);
    result->seconds = ns / NS;
    result->nanoseconds = ns % NS;
    return 0;
}

EXPORT int
__vdso_gettimeofday(struct timeval *result, void *zone)
{
    uint64_t ns = zone ? 0 : nanoseconds(REALTIME);
    if (!ns)
        return call(SYS_gettimeofday, (uint64_t)result, (uint64_t)zone, 0);
    if (result) {
        result->seconds = ns / NS;
        result->microseconds = ns % NS / 1000;
    }
    return 0;
}

EXPORT int64_t
__vdso_time(int64_t *result)
{
    uint64_t ns = nanoseconds(REALTIME_COARSE); /* as Linux: never ahead of the times of files */
    if (!ns)
        return call(SYS_time, (uint64_t)result, 0, 0);
    if (result)
        *result = ns / NS;
    return ns / NS;
}

EXPORT int
__vdso_clock_getres(int clock, struct timespec *result)
{
    uint64_t ns = 0;
    if (time_page.flags & VMI_TIME_USABLE)
        switch (clock) {
        case REALTIME:
        case MONOTONIC:
        case RAW:
        case BOOTTIME:
        case TAI: ns = 1; break;
        case REALTIME_COARSE:
        case MONOTONIC_COARSE: ns = time_page.coarse; break;
        }
    if (!ns)
        return call(SYS_clock_getres, clock, (uint64_t)result, 0);
    if (result) {
        result->seconds = 0;
        result->nanoseconds = ns;
    }
    return 0;
}

/* Only the monitor and the entry page of the vCPU know the CPU; the entry answers when it may. */
EXPORT long
__vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
    return call(SYS_getcpu, (uint64_t)cpu, (uint64_t)node, (uint64_t)unused);
}

/* Calls beyond Linux's: number VMI_CALL_BASE + nth; -errno as any system call. */
EXPORT long
__wirt_vmi(unsigned nth, uint64_t a, uint64_t b, uint64_t c)
{
    return nth < VMI_CALL_END - VMI_CALL_BASE ? call(VMI_CALL_BASE + nth, a, b, c) : -EINVAL;
}

/* The names without prefix, weak, as in Linux's vDSO. */
#define ALIAS(name) \
    extern __typeof__(__vdso_##name) name __attribute__((weak, alias("__vdso_" #name), visibility("default")))
ALIAS(clock_gettime);
ALIAS(gettimeofday);
ALIAS(time);
ALIAS(clock_getres);
ALIAS(getcpu);

/*
 * The end of a signal handler, for those who set SA_RESTORER to it: rt_sigreturn(2). rsp is at the ucontext then. A
 * debugger or an exception that comes by finds the interrupted registers through what follows: CFA and each register
 * are words of the frame (struct sigcontext begins 40 bytes in), as in glibc's __restore_rt. Unwinders look up the
 * instruction before the return address, so the description starts one byte early.
 */
__asm__(".pushsection .text\n"
        ".globl __kernel_rt_sigreturn\n"
        ".type __kernel_rt_sigreturn, @function\n"
        ".balign 16\n"
        ".cfi_startproc\n"
        ".cfi_signal_frame\n"
        ".cfi_escape 0x0f, 4, 0x77, 0xa0, 0x01, 0x06\n" /* CFA: the word at rsp + 160 */
        ".macro saved register, low, high\n"
        ".cfi_escape 0x10, \\register, 3, 0x77, \\low, \\high\n"
        ".endm\n"
        ".macro saved_near register, low\n"
        ".cfi_escape 0x10, \\register, 2, 0x77, \\low\n"
        ".endm\n"
        "saved_near 8, 40\n" /* r8 */
        "saved_near 9, 48\n"
        "saved_near 10, 56\n"
        "saved 11, 0xc0, 0x00\n" /* 64 in SLEB128, and so on */
        "saved 12, 0xc8, 0x00\n"
        "saved 13, 0xd0, 0x00\n"
        "saved 14, 0xd8, 0x00\n"
        "saved 15, 0xe0, 0x00\n"
        "saved 5, 0xe8, 0x00\n"  /* rdi */
        "saved 4, 0xf0, 0x00\n"  /* rsi */
        "saved 6, 0xf8, 0x00\n"  /* rbp */
        "saved 3, 0x80, 0x01\n"  /* rbx */
        "saved 1, 0x88, 0x01\n"  /* rdx */
        "saved 0, 0x90, 0x01\n"  /* rax */
        "saved 2, 0x98, 0x01\n"  /* rcx */
        "saved 7, 0xa0, 0x01\n"  /* rsp */
        "saved 16, 0xa8, 0x01\n" /* rip */
        "nop\n"
        "__kernel_rt_sigreturn:\n"
        "    movl $15, %eax\n"
        "    syscall\n"
        "    ud2\n"
        ".cfi_endproc\n"
        ".size __kernel_rt_sigreturn, . - __kernel_rt_sigreturn\n"
        ".popsection\n");
