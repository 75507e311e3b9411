/*
 * Runs a system-call entry page in this process, as `syscall` would enter it: with any registers, flags and stack
 * pointer. Whatever ends the run is a trap or a fault, whose signal frame has every register: the breakpoint that rcx
 * points to, or the `out` and `sysretq` that ring 3 may not execute. Built and called by test_vmi_entry.py, in a child.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#define REGISTERS 18 /* rax rbx rcx rdx rsi rdi rsp rbp r8-r15 rip rflags, as in struct kvm_regs */
#define TRAP_FLAG 0x100

struct run {
    uint64_t registers[REGISTERS]; /* in and out */
    uint64_t single_steps;         /* in: whether to step; out: how many there were */
    uint64_t steps[128][4];        /* rip, rax, rcx, r11 before each instruction */
    uint64_t signal;
};

static const int order[REGISTERS] = {
    REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RSP, REG_RBP, REG_R8,
    REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP, REG_EFL,
};
static struct run *now;
static sigjmp_buf back;
static int entered;
static char stack[65536];

/* The first trap is ours, and is where the registers of the run are put; a later one is a step or the end. */
static void
trapped(int signal, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    (void)info;
    if (!entered) {
        entered = 1;
        for (int i = 0; i < REGISTERS; i++)
            registers[order[i]] = now->registers[i];
        if (now->single_steps)
            registers[REG_EFL] |= TRAP_FLAG;
        now->single_steps = 0;
        return;
    }
    if (signal == SIGTRAP && registers[REG_EFL] & TRAP_FLAG && (uint64_t)registers[REG_RIP] != now->registers[2]) {
        uint64_t *step = now->steps[now->single_steps++];
        step[0] = registers[REG_RIP], step[1] = registers[REG_RAX];
        step[2] = registers[REG_RCX], step[3] = registers[REG_R11];
        return;
    }
    for (int i = 0; i < REGISTERS; i++)
        now->registers[i] = registers[order[i]];
    now->signal = signal;
    siglongjmp(back, 1);
}

void
prepare(void)
{
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigset_t none;
    sigfillset(&action.sa_mask);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, 0);
    sigaltstack(&other, 0);
    sigaction(SIGTRAP, &action, 0);
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGBUS, &action, 0);
    sigaction(SIGILL, &action, 0);
}

void
run(struct run *wanted)
{
    now = wanted;
    entered = 0;
    if (!sigsetjmp(back, 1))
        __asm__ volatile("int3");
}
