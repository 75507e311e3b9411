/* What the processor answers in user mode: cpuid, rdtsc, and that flags survive calls. */
#include "check.h"
#include <cpuid.h>
#include <x86intrin.h>
int main(void)
{
    unsigned a, b, c, d;
    SHOW(__get_cpuid(1, &a, &b, &c, &d));
    SHOW((d >> 26) & 1);
    unsigned long one = __rdtsc(), two = __rdtsc();
    IS(two >= one);
    unsigned long before = 0, after = 0, r8 = 0, r15 = 0;
    __asm__ volatile("pushfq\n pop %0\n or $0x405, %0\n push %0\n popfq\n"
                     "mov $0x88, %%r8\n mov $0xff, %%r15\n mov $102, %%eax\n syscall\n"
                     "pushfq\n pop %1\n mov %%r8, %2\n mov %%r15, %3\n cld\n"
                     : "=&b"(before), "=&r"(after), "=&r"(r8), "=&r"(r15) : : "rax", "rcx", "r11", "r8", "r15", "memory", "cc");
    IS(((before ^ after) & 0x4d5) == 0);
    HEX(r8);
    HEX(r15);
    unsigned long rcx, r11, rax;
    __asm__ volatile("syscall\n lea 0(%%rip), %%rdx\n" : "=a"(rax), "=c"(rcx), "=&r"(r11) : "a"(SYS_getuid) : "r11", "rdx", "memory");
    IS(rcx != 0);
    SHOW(rax);
    return 0;
}
