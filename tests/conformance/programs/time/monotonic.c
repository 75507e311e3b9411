/* Clocks never go back, over system calls, the vDSO and other processes. */
#include "check.h"
static double last;
static void after(void) { IS(seconds_now() >= last); }
int main(void)
{
    int back = 0;
    last = seconds_now();
    for (int i = 0; i < 20000; i++) {
        double now = seconds_now();
        back += now < last;
        last = now;
    }
    for (int i = 0; i < 200; i++) {
        struct timespec t;
        syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
        double now = t.tv_sec + t.tv_nsec / 1e9;
        back += now < last - 1e-6;
        last = seconds_now();
        back += last < now - 1e-6;
    }
    SHOW(back);
    child(after);
    struct timespec a, b;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    while (b.tv_sec * 1000000000l + b.tv_nsec - a.tv_sec * 1000000000l - a.tv_nsec < 5000000);
    puts("the processor's time passes");
    return 0;
}
