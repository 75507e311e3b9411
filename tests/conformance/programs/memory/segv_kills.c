/* SIGSEGV without a handler kills. */
#include "check.h"
int main(void)
{
    puts("before");
    *(volatile int *)BAD = 1;
    puts("after");
    return 0;
}
