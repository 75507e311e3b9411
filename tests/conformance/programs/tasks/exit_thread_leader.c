/* exit(2) of the last thread: the process ends with its code. */
#include "check.h"
int main(void)
{
    puts("leaving");
    syscall(SYS_exit, 42);
    return 1;
}
