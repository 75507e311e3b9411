/* A handler that changes the context: registers, flags, the place to go on, the mask. */
#include "check.h"
#include <ucontext.h>
static void handler(int n, siginfo_t *info UNUSED, void *data)
{
    ucontext_t *context = data;
    greg_t *regs = context->uc_mcontext.gregs;
    if (n == SIGUSR1) {
        regs[REG_RBX] = 0x1122334455667788;
        regs[REG_R12]++;
        sigaddset(&context->uc_sigmask, SIGHUP);
    } else {
        regs[REG_RIP] += 2; /* over ud2 */
        regs[REG_RAX] = 99;
    }
}
int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    register long r12 __asm__("r12") = 5;
    long rbx = 0, rax = SYS_kill;
    __asm__ volatile("syscall" : "+a"(rax), "+b"(rbx), "+r"(r12) : "D"(getpid()), "S"(SIGUSR1) : "rcx", "r11", "memory");
    long after = r12;
    HEX(rbx);
    SHOW(after);
    SHOW(rax);
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
    IS(sigismember(&set, SIGHUP));
    __asm__ volatile("mov $1, %%eax\n ud2\n" : "=a"(rax));
    SHOW(rax);
    return 0;
}
