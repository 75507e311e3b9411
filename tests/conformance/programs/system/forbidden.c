/* What a guest's root may not: mounts, clocks, the host's name; and calls that do not exist. */
#include "check.h"
#include <sys/mount.h>
int main(void)
{
    SHOW(mount("none", "/w", "tmpfs", 0, ""));
    SHOW(umount("/proc"));
    SHOW(sethostname("other", 5));
    SHOW(clock_settime(CLOCK_REALTIME, &(struct timespec){0, 0}));
    SHOW(settimeofday(&(struct timeval){0, 0}, NULL));
    SHOW(syscall(1000));
    SHOW(syscall(-1));
    return 0;
}
