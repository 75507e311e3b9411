/* Signals that come while only registers change: handlers run, nothing is lost. */
#include "check.h"
static volatile int caught;
static void handler(int n UNUSED) { caught++; }
int main(void)
{
    struct itimerval often = {{0, 500}, {0, 500}};
    signal(SIGALRM, handler);
    setitimer(ITIMER_REAL, &often, NULL);
    unsigned long a = 1, b = 2, c = 3, d = 4;
    while (caught < 20)
        for (int i = 0; i < 1000; i++)
            a += b, b ^= c, c += d, d ^= a, a -= 1, d ^= a + 1, c -= d ^ (a + 1), b ^= c, a = 1, b = 2, c = 3, d = 4;
    SHOW(a + b * 10 + c * 100 + d * 1000);
    IS(caught >= 20);
    return 0;
}
