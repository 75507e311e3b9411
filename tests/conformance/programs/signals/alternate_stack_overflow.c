/* A frame that does not fit: the process dies of SIGSEGV, whatever the handler is. */
#include "check.h"
static void handler(int n UNUSED) { puts("never"); }
static void no_stack(void)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    char *area = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaltstack(&(stack_t){.ss_sp = area, .ss_size = 8 * PAGE}, NULL);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
}
static void caught(int n)
{
    printf("caught %s\n", signal_name(n));
    _exit(5);
}
static void segv_is_caught(void)
{
    static char area[65536];
    struct sigaction action = {.sa_handler = caught, .sa_flags = SA_ONSTACK};
    sigaltstack(&(stack_t){.ss_sp = area, .ss_size = sizeof area}, NULL);
    sigaction(SIGSEGV, &action, NULL);
    action.sa_handler = handler, action.sa_flags = 0;
    sigaction(SIGUSR1, &action, NULL);
    __asm__ volatile("mov %0, %%rsp\n mov $39, %%eax\n syscall\n mov %%eax, %%edi\n mov $10, %%esi\n mov $62, %%eax\n syscall\n ud2"
                     : : "r"(0x1000ul) : "memory");
}
int main(void)
{
    child(no_stack);
    child(segv_is_caught);
    return 0;
}
