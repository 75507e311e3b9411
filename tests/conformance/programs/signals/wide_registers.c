/* AVX: the upper halves live through calls, handlers, faults and a busy neighbour. */
#include "check.h"
#include <immintrin.h>
#include <sched.h>
static char *page;
__attribute__((target("avx"))) static void spoil(void)
{
    __asm__ volatile("vxorps %%ymm0, %%ymm0, %%ymm0\n vmovaps %%ymm0, %%ymm9\n vmovaps %%ymm0, %%ymm15" ::: "xmm0", "xmm9", "xmm15");
}
static void handler(int n)
{
    spoil();
    if (n == SIGSEGV)
        mprotect(page, PAGE, PROT_READ | PROT_WRITE);
}
__attribute__((target("avx"))) static int survives(int what)
{
    float in[16], out[16] = {0};
    for (int i = 0; i < 16; i++)
        in[i] = i + 1;
    mprotect(page, PAGE, what == 2 ? PROT_NONE : PROT_READ | PROT_WRITE);
    long number = what == 0 ? SYS_getppid : what == 1 ? SYS_kill : SYS_sched_yield;
    __asm__ volatile(
        "vmovups (%[in]), %%ymm9\n vmovups 32(%[in]), %%ymm15\n"
        "mov %[number], %%rax\n mov %[pid], %%rdi\n mov $10, %%esi\n syscall\n"
        "movb $1, (%[page])\n"
        "vmovups %%ymm9, (%[out])\n vmovups %%ymm15, 32(%[out])\n"
        :
        : [in] "r"(in), [out] "r"(out), [number] "r"(number), [pid] "r"((long)getpid()), [page] "r"(page)
        : "rax", "rdi", "rsi", "rcx", "r11", "xmm9", "xmm15", "memory");
    return memcmp(in, out, sizeof in) == 0;
}
static int spin(void)
{
    for (int i = 0; i < 200; i++)
        if (!survives(i % 3))
            return 1;
    return 0;
}
static void first(void) { _exit(spin()); }
static void second(void) { _exit(spin()); }
int main(void)
{
    page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    signal(SIGUSR1, handler), signal(SIGSEGV, handler);
    if (!__builtin_cpu_supports("avx")) {
        puts("no AVX");
        return 0;
    }
    SHOW(survives(0));
    SHOW(survives(1));
    SHOW(survives(2));
    pid_t a = start(first), b = start(second);
    reap("first", a);
    reap("second", b);
    return 0;
}
