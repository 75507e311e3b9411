/* /proc of the system: what tools parse. */
#include "check.h"
static char room[1 << 20];
static int has(const char *name, const char *what)
{
    int fd = open(name, O_RDONLY);
    ssize_t total = 0, n;
    while (fd >= 0 && (n = read(fd, room + total, sizeof room - 1 - total)) > 0)
        total += n;
    room[total] = 0;
    close(fd);
    return strstr(room, what) != NULL;
}
int main(void)
{
    double up, idle;
    SHOW(has("/proc/meminfo", "MemTotal:"));
    SHOW(has("/proc/meminfo", "MemAvailable:"));
    SHOW(has("/proc/cpuinfo", "processor\t: 0"));
    SHOW(has("/proc/cpuinfo", "flags\t"));
    SHOW(has("/proc/stat", "cpu0 "));
    SHOW(has("/proc/stat", "btime "));
    SHOW(has("/proc/version", "Linux version "));
    SHOW(has("/proc/uptime", "."));
    SHOW(sscanf(room, "%lf %lf", &up, &idle));
    IS(up > 0);
    SHOW(has("/proc/loadavg", "/"));
    SHOW(has("/proc/filesystems", "nodev\tproc"));
    SHOW(has("/proc/mounts", " /proc proc "));
    SHOW(has("/proc/mounts", " / "));
    SHOW(has("/proc/sys/kernel/ostype", "Linux"));
    SHOW(has("/proc/sys/kernel/hostname", "guest"));
    SHOW(has("/proc/sys/kernel/pid_max", "\n"));
    SHOW(has("/proc/sys/kernel/random/boot_id", "-"));
    SHOW(has("/proc/sys/kernel/random/uuid", "-"));
    SHOW(has("/proc/sys/vm/overcommit_memory", "\n"));
    SHOW(has("/proc/sys/fs/file-max", "\n"));
    SHOW(has("/proc/sys/net/core/somaxconn", "\n"));
    SHOW(has("/proc/net/dev", "lo:"));
    SHOW(has("/proc/net/tcp", "local_address"));
    SHOW(has("/proc/net/unix", "Num"));
    SHOW(has("/proc/self/net/route", "Iface"));
    SHOW(access("/proc/self/task", F_OK));
    SHOW(access("/sys/devices/system/cpu", F_OK));
    SHOW(access("/sys/kernel", F_OK));
    SHOW(sysconf(_SC_NPROCESSORS_ONLN) > 0);
    SHOW(sysconf(_SC_PHYS_PAGES) > 0);
    OK(open("/proc/version", O_WRONLY | O_TRUNC) == -1 ? 0 : 0);
    SHOW(mkdir("/proc/x", 0755));
    return 0;
}
