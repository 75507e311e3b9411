/* membarrier(2): the commands that runtimes use. */
#include "check.h"
#include <linux/membarrier.h>
int main(void)
{
    long commands;
    IS((commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0)) > 0);
    IS(commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
    SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
    SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
    SHOW(syscall(SYS_membarrier, 1 << 20, 0, 0));
    SHOW(syscall(SYS_membarrier, 0, 1, 0));
    return 0;
}
