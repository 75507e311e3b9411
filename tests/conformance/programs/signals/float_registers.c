/* SSE and x87 state: a handler's own does not leak into what it interrupts. */
#include "check.h"
#include <fenv.h>
#include <immintrin.h>
static void handler(int n UNUSED)
{
    volatile double d = 3.25;
    for (int i = 0; i < 10; i++)
        d *= 1.5;
    __m128 x = _mm_set1_ps((float)d);
    __asm__ volatile("movaps %0, %%xmm0\n movaps %0, %%xmm7\n movaps %0, %%xmm15\n fninit\n fldpi" : : "x"(x) : "xmm0", "xmm7", "xmm15");
    fesetround(FE_UPWARD);
}
int main(void)
{
    float in[8] = {1, 2, 3, 4, 5, 6, 7, 8}, out[8] = {0};
    double x87 = 0;
    signal(SIGUSR1, handler);
    long pid = getpid(), result;
    __asm__ volatile(
        "movups (%[in]), %%xmm0\n movups 16(%[in]), %%xmm15\n fldl %[one]\n"
        "mov %[pid], %%rdi\n mov $10, %%esi\n mov $62, %%eax\n syscall\n"
        "movups %%xmm0, (%[out])\n movups %%xmm15, 16(%[out])\n fstpl %[x87]\n"
        : "=&a"(result), [x87] "=m"(x87)
        : [in] "r"(in), [out] "r"(out), [pid] "r"(pid), [one] "m"(*(double[]){2.5})
        : "rdi", "rsi", "rcx", "r11", "xmm0", "xmm15", "memory");
    SHOW(result);
    IS(memcmp(in, out, sizeof in) == 0);
    SHOW(x87 * 100);
    SHOW(fegetround() == FE_TONEAREST);
    fesetround(FE_DOWNWARD);
    raise(SIGUSR1);
    SHOW(fegetround() == FE_DOWNWARD);
    return 0;
}
