/* mlockall(2), munlock(2), mlock2(2), pkey_mprotect(2): what is allowed, and errors. */
#include "check.h"
int main(void)
{
    char *a;
    OK(a = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(mlockall(MCL_CURRENT));
    SHOW(munlockall());
    SHOW(mlockall(0));
    SHOW(mlockall(MCL_ONFAULT));
    SHOW(munlock(a, PAGE));
    SHOW(munlock(BAD, PAGE));
    SHOW(munlock(a, 3 * PAGE) == -1 || 1);
    SHOW(syscall(SYS_mlock2, a, PAGE, 1));
    SHOW(syscall(SYS_mlock2, a, PAGE, 2));
    SHOW(syscall(SYS_pkey_mprotect, a, PAGE, PROT_READ, -1));
    expected_address = a;
    FAULT(a[0] = 1);
    SHOW(syscall(SYS_pkey_mprotect, a, PAGE, PROT_READ | PROT_WRITE, 5));
    SHOW(syscall(SYS_pkey_mprotect, a + 1, PAGE, PROT_READ, -1));
    SHOW(syscall(SYS_pkey_mprotect, BAD, PAGE, PROT_READ, -1));
    return 0;
}
