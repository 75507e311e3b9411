/* brk(2): grows with zeros, shrinks, comes back as zeros. */
#include "check.h"
int main(void)
{
    char *begin = (char *)syscall(SYS_brk, 0), *end;
    IS((uintptr_t)begin > PAGE);
    IS((end = (char *)syscall(SYS_brk, begin + 64 * PAGE)) == begin + 64 * PAGE);
    IS(end[-1] == 0);
    memset(end - PAGE, 'x', PAGE);
    expected_address = (char *)((uintptr_t)(end + PAGE - 1) & -PAGE);
    FAULT(*(volatile char *)expected_address = 1);
    IS((char *)syscall(SYS_brk, begin + 10) == begin + 10);
    IS((char *)syscall(SYS_brk, begin + 64 * PAGE) == begin + 64 * PAGE);
    IS(end[-1] == 0);
    IS((char *)syscall(SYS_brk, PAGE) == begin + 64 * PAGE);
    IS((char *)syscall(SYS_brk, 1ul << 47) == begin + 64 * PAGE);
    IS((char *)syscall(SYS_brk, begin) == begin);
    OK(sbrk(3 * PAGE + 7));
    return 0;
}
