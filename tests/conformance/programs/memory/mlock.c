/* mlock(2), mlock2(2), munlock(2), mlockall(2). */
#include "check.h"
int main(void)
{
    char *a;
    OK(a = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(mlock(a, 4 * PAGE));
    SHOW(munlock(a, 4 * PAGE));
    SHOW(mlock2(a, PAGE, MLOCK_ONFAULT));
    SHOW(mlock2(a, PAGE, 0x80));
    SHOW(munmap(a + PAGE, PAGE));
    SHOW(mlock(a, 4 * PAGE));
    SHOW(munlockall());
    SHOW(mlockall(0));
    SHOW(mlockall(0x80));
    return 0;
}
