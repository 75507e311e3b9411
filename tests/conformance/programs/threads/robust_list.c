/* set_robust_list(2), get_robust_list(2). */
#include "check.h"
#include <linux/futex.h>
int main(void)
{
    struct robust_list_head *head = NULL, own = {.list = {&own.list}};
    size_t length = 0;
    SHOW(syscall(SYS_get_robust_list, 0, &head, &length));
    SHOW(length);
    SHOW(syscall(SYS_set_robust_list, &own, sizeof own));
    SHOW(syscall(SYS_get_robust_list, 0, &head, &length));
    IS(head == &own);
    SHOW(syscall(SYS_set_robust_list, &own, 5));
    SHOW(syscall(SYS_get_robust_list, 999999, &head, &length));
    SHOW(syscall(SYS_get_robust_list, 0, BAD, &length));
    return 0;
}
