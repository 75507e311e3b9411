/* SIGFPE, SIGILL, SIGTRAP, SIGBUS, SIGSEGV from the processor: codes, and death without a handler. */
#include "check.h"
static volatile int zero;
static void divide(void) { volatile int x = 1 / zero; (void)x; }
static void illegal(void) { __asm__ volatile("ud2"); }
static void breakpoint(void) { __asm__ volatile("int3"); }
static void privileged(void) { __asm__ volatile("cli"); }
static void halt(void) { __asm__ volatile("hlt"); }
static void port(void) { __asm__ volatile("outb %%al, $0x80" ::: "memory"); }
static void interrupt(void) { __asm__ volatile("int $0x81"); }
static void control(void) { unsigned long x; __asm__ volatile("mov %%cr0, %0" : "=r"(x)); }
static void model_specific(void) { __asm__ volatile("rdmsr" : : "c"(0xc0000080) : "rax", "rdx"); }
static void selector(void) { __asm__ volatile("mov %0, %%ds" : : "r"(0x1234)); }
static void noncanonical(void) { *(volatile char *)0x123456789abcdef0 = 1; }
static void (*faults[])(void) = {divide, illegal, breakpoint, privileged, halt, port, interrupt, control, model_specific, selector, noncanonical};
static const char *names[] = {"divide", "illegal", "breakpoint", "privileged", "halt", "port", "interrupt", "control", "model specific", "selector", "noncanonical"};
int main(void)
{
    for (size_t i = 0; i < COUNT(faults); i++) {
        printf("%s: ", names[i]);
        watch_faults();
        if (sigsetjmp(check_before, 1) == 0)
            faults[i]();
        else
            printf("%s code %d address %s\n", signal_name(check_info.si_signo), check_info.si_code, check_info.si_addr ? "some" : "none");
        pid_t pid = fork();
        if (pid == 0) {
            signal(SIGFPE, SIG_DFL), signal(SIGILL, SIG_DFL), signal(SIGTRAP, SIG_DFL), signal(SIGSEGV, SIG_DFL), signal(SIGBUS, SIG_DFL);
            faults[i]();
            _exit(0);
        }
        reap(names[i], pid);
    }
    return 0;
}
