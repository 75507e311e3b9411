/* futex(2): bad addresses, alignment, commands, timeouts. */
#include "check.h"
#include <linux/futex.h>
static int word;
static long futex(void *at, int op, int value, void *timeout, void *second, int third) { return syscall(SYS_futex, at, op, value, timeout, second, third); }
int main(void)
{
    struct timespec zero = {0, 0}, bad = {0, 1000000000}, negative = {-1, 0};
    SHOW(futex(BAD, FUTEX_WAIT, 0, NULL, NULL, 0));
    SHOW(futex(KERNEL, FUTEX_WAIT, 0, NULL, NULL, 0));
    SHOW(futex((char *)&word + 1, FUTEX_WAIT, 0, &zero, NULL, 0));
    SHOW(futex((char *)&word + 1, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(BAD, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(BAD, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_WAIT, 0, &zero, NULL, 0));
    SHOW(futex(&word, FUTEX_WAIT, 0, &bad, NULL, 0));
    SHOW(futex(&word, FUTEX_WAIT, 0, &negative, NULL, 0));
    SHOW(futex(&word, FUTEX_WAIT, 0, BAD, NULL, 0));
    SHOW(futex(&word, 99, 0, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &word, 5));
    SHOW(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, BAD, 0));
    SHOW(futex(&word, FUTEX_CMP_REQUEUE, -1, (void *)1, &word, 0));
    SHOW(futex(&word, FUTEX_FD, 0, NULL, NULL, 0));
    const int *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(futex((void *)page, FUTEX_WAIT_PRIVATE, 1, &zero, NULL, 0));
    SHOW(futex((void *)page, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    return 0;
}
