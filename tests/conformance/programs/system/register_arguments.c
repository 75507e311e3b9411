/* Six arguments, and registers that a call must not change. */
#include "check.h"
int main(void)
{
    unsigned long out[8], seen[8];
    int fd = file_of("f", "0123456789abcdef");
    char *a = (char *)syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    IS(memcmp(a, "0123456789", 10) == 0);
    for (int i = 0; i < 8; i++)
        out[i] = 0x1111111111111111ul * (i + 1);
    __asm__ volatile(
        "push %%rbp\n push %%rbx\n mov %[out], %%rax\n mov %[seen], %%rbx\n push %%rbx\n"
        "mov (%%rax), %%rdi\n mov 8(%%rax), %%rsi\n mov 16(%%rax), %%rdx\n mov 24(%%rax), %%r10\n"
        "mov 32(%%rax), %%r8\n mov 40(%%rax), %%r9\n mov 48(%%rax), %%r12\n mov 56(%%rax), %%rbp\n"
        "mov $39, %%eax\n syscall\n"
        "pop %%rbx\n mov %%rdi, (%%rbx)\n mov %%rsi, 8(%%rbx)\n mov %%rdx, 16(%%rbx)\n mov %%r10, 24(%%rbx)\n"
        "mov %%r8, 32(%%rbx)\n mov %%r9, 40(%%rbx)\n mov %%r12, 48(%%rbx)\n mov %%rbp, 56(%%rbx)\n pop %%rbx\n pop %%rbp\n"
        : : [out] "r"(out), [seen] "r"(seen) : "rax", "rdi", "rsi", "rdx", "r10", "r8", "r9", "r12", "rcx", "r11", "memory");
    IS(memcmp(out, seen, sizeof out) == 0);
    return 0;
}
