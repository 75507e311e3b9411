/* personality(2), set_tid_address(2), getcpu(2), kcmp(2). */
#include "check.h"
#include <linux/kcmp.h>
#include <sys/personality.h>
int main(void)
{
    SHOW(personality(0xffffffff));
    IS(syscall(SYS_set_tid_address, &errno) == gettid());
    unsigned cpu = 999, node = 999;
    SHOW(syscall(SYS_getcpu, &cpu, &node, NULL));
    IS(cpu < 999 && node < 999);
    SHOW(syscall(SYS_getcpu, NULL, NULL, NULL));
    SHOW(syscall(SYS_getcpu, BAD, NULL, NULL));
    return 0;
}
