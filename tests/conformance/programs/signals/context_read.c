/* What a handler finds in the context: registers at the fault, the trap, the mask, the alternate stack. */
#include "check.h"
#include <ucontext.h>
static sigjmp_buf back;
static void handler(int n, siginfo_t *info, void *data)
{
    ucontext_t *context = data;
    greg_t *regs = context->uc_mcontext.gregs;
    printf("%s %s\n", signal_name(n), fault_code(n, info->si_code));
    HEX(regs[REG_RAX]);
    HEX(regs[REG_R13]);
    HEX(regs[REG_R8]);
    SHOW(regs[REG_TRAPNO]);
    HEX(regs[REG_ERR]);
    HEX(regs[REG_CR2]);
    HEX(regs[REG_CSGSFS] & 0xffff);
    IS(info->si_addr == (void *)0x12340);
    IS(sigismember(&context->uc_sigmask, SIGHUP));
    IS(context->uc_mcontext.fpregs != NULL);
    SHOW(context->uc_stack.ss_flags);
    IS((uintptr_t)__builtin_frame_address(0) % 16 == 0);
    siglongjmp(back, 1);
}
int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigaction(SIGSEGV, &action, NULL);
    if (sigsetjmp(back, 1) == 0)
        __asm__ volatile("mov $0x12340, %%rax\n mov $0xabcdef, %%r13\n mov $0x8888, %%r8\n movl $1, (%%rax)" ::: "rax", "r13", "r8", "memory");
    if (sigsetjmp(back, 1) == 0)
        __asm__ volatile("mov $0x12340, %%rax\n mov $7, %%r13\n mov $9, %%r8\n movl (%%rax), %%eax" ::: "rax", "r13", "r8", "memory");
    return 0;
}
