/*
 * The virtual machine interface: what the function library (entry.S, vdso.c), a guest program and the monitor agree on.
 * abi.py says the same in Python, and a test compares the two. docs/vmi.md explains. Included by C and by assembly.
 */
#ifndef WIRT_VMI_H
#define WIRT_VMI_H

#define VMI_MAGIC 0x494D5657 /* "WVMI" */
#define VMI_VERSION 0x00010000 /* major << 16 | minor; a reader refuses another major */

/* Ports. A byte written there, whatever its value, leaves the guest. */
#define VMI_PORT_CALL 0x10
#define VMI_PORT_FAULT 0x11

/* Exception stubs: vector v is at v * VMI_STUB_SIZE, `out` first, `iretq` at VMI_STUB_IRET. */
#define VMI_VECTORS 32
#define VMI_STUB_SIZE 16
#define VMI_STUB_IRET 2

/* MSR_SYSCALL_MASK for either entry: flags that `syscall` clears. */
#define VMI_RARE_FLAGS 0x00054500 /* TF, DF, NT, RF, AC: cleared on the way in, a call with one of them set exits */
#define VMI_SFMASK_USER VMI_RARE_FLAGS
#define VMI_SFMASK_SYSTEM 0x00257FD5 /* what Linux clears */

/* The thread page: the last VMI_THREAD_SIZE bytes of a vCPU's entry page. Written by the monitor only. */
#define VMI_THREAD 0xF00
#define VMI_THREAD_SIZE 0x100
#define VMI_THREAD_MAGIC 0
#define VMI_THREAD_VERSION 4
#define VMI_THREAD_FLAGS 8
#define VMI_THREAD_VCPU 12
#define VMI_THREAD_PID 16
#define VMI_THREAD_TID 20
#define VMI_THREAD_PPID 24
#define VMI_THREAD_UID 28
#define VMI_THREAD_EUID 32
#define VMI_THREAD_GID 36
#define VMI_THREAD_EGID 40
#define VMI_THREAD_CPU 44
#define VMI_THREAD_NODE 48
#define VMI_THREAD_TIME 56 /* u64: where this address space has its time page; 0: nowhere */

/* Bits of VMI_THREAD_FLAGS */
#define VMI_FLAG_ANSWER 1 /* the entry may answer; without it every call exits (wirt trace) */
#define VMI_FLAG_PPID 2   /* the parent cannot change: it is the guest's first process */
#define VMI_FLAG_CPU 4    /* cpu and node are known */
#define VMI_FLAG_YIELD 8  /* nobody waits for this thread to yield */

/* The time page: read by the vDSO, just below which it is mapped. Written by the monitor only. */
#define VMI_TIME_SIZE 128
#define VMI_TIME_SHIFT 32
#define VMI_TIME_USABLE 1 /* bit of flags */

/* Calls beyond Linux's. Below bit 30, which Linux takes for x32; Linux itself answers ENOSYS. */
#define VMI_CALL_BASE 0x574900
#define VMI_CALL_VERSION (VMI_CALL_BASE + 0)
#define VMI_CALL_TIME (VMI_CALL_BASE + 1)
#define VMI_CALL_MEMORY_INFO (VMI_CALL_BASE + 2)
#define VMI_CALL_MEMORY_GIVE (VMI_CALL_BASE + 3)
#define VMI_CALL_MEMORY_GROW (VMI_CALL_BASE + 4)
#define VMI_CALL_EXIT (VMI_CALL_BASE + 5)
#define VMI_CALL_END (VMI_CALL_BASE + 6)

#ifndef __ASSEMBLER__
#include <stdint.h>

/* A counter of cycles becomes nanoseconds: ns = base + ((cycles - tsc) * mult >> VMI_TIME_SHIFT). */
struct vmi_time {
    uint32_t magic;
    uint32_t version;
    uint32_t sequence; /* odd while the rest is being changed */
    uint32_t flags;
    uint64_t tsc;       /* of the guest's TSC: where the two counts begin */
    uint64_t tsc_until; /* afterwards the page is too old: ask the monitor, who renews it */
    uint64_t monotonic; /* ns at tsc */
    uint64_t monotonic_mult;
    uint64_t raw; /* CLOCK_MONOTONIC_RAW, ns at tsc */
    uint64_t raw_mult;
    int64_t realtime; /* ns to add to the monotonic clock */
    int64_t boottime;
    int64_t tai;
    uint64_t coarse; /* ns that the coarse clocks lag behind, which is their resolution */
    uint8_t reserved[32];
};
_Static_assert(sizeof(struct vmi_time) == VMI_TIME_SIZE, "abi.py has the same size");

/* What VMI_CALL_MEMORY_INFO fills in; a shorter size gets the head, a longer one is not filled beyond the end. */
struct vmi_memory {
    uint64_t limit;     /* bytes this guest may have */
    uint64_t used;      /* bytes of them that are mapped for it */
    uint64_t available; /* bytes that the host could still give */
    uint32_t pressure;  /* share of the last ten seconds spent waiting for memory, in hundredths of a percent */
    uint32_t reserved;
};
_Static_assert(sizeof(struct vmi_memory) == 32, "abi.py has the same size");
#endif

#endif
