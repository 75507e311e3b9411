/* /proc/self: exe, cwd, root, cmdline, environ, comm, status, stat, statm, limits. */
#include "check.h"
#include <sys/prctl.h>
static char room[65536];
static ssize_t slurp(const char *name)
{
    int fd = open(name, O_RDONLY);
    ssize_t total = 0, n;
    if (fd < 0)
        return -1;
    while ((n = read(fd, room + total, sizeof room - 1 - total)) > 0)
        total += n;
    room[total] = 0;
    close(fd);
    return total;
}
static const char *field(const char *name)
{
    static char line[256];
    size_t n = strlen(name);
    for (char *p = room; p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
        if (strncmp(p, name, n) == 0 && p[n] == ':')
            return snprintf(line, sizeof line, "%.*s", (int)strcspn(p + n + 1, "\n"), p + n + 1), line;
    return "missing";
}
int main(int argc UNUSED, char **argv)
{
    char link[256] = "";
    SHOW(readlink("/proc/self/exe", link, 255));
    TEXT(link);
    IS(strcmp(link, argv[0]) == 0);
    memset(link, 0, 256);
    SHOW(readlink("/proc/self/cwd", link, 255));
    TEXT(link);
    memset(link, 0, 256);
    SHOW(readlink("/proc/self/root", link, 255));
    TEXT(link);
    SHOW(slurp("/proc/self/cmdline"));
    TEXT(room);
    SHOW(slurp("/proc/self/environ") > 0);
    IS(strncmp(room, "PATH=", 5) == 0 || strstr(room + strlen(room) + 1, "") != NULL);
    SHOW(slurp("/proc/self/comm"));
    TEXT(room);
    SHOW(slurp("/proc/self/status") > 0);
    const char *names[] = {"Name", "Umask", "State", "TracerPid", "Uid", "Gid", "Groups", "Threads", "SigQ", "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"};
    for (size_t i = 0; i < COUNT(names); i++)
        printf("%s:%s\n", names[i], strcmp(names[i], "SigQ") == 0 ? "" : field(names[i]));
    IS(atoi(field("Pid")) == getpid() && atoi(field("Tgid")) == getpid() && atoi(field("PPid")) == getppid());
    IS(atoi(field("VmRSS")) > 0 && atoi(field("VmSize")) >= atoi(field("VmRSS")));
    SHOW(slurp("/proc/self/stat") > 0);
    int pid, ppid, fields = 1;
    char state, name[64];
    sscanf(room, "%d (%63[^)]) %c %d", &pid, name, &state, &ppid);
    IS(pid == getpid() && ppid == getppid());
    TEXT(name);
    printf("state %c\n", state);
    for (char *p = room; *p; p++)
        fields += *p == ' ';
    SHOW(fields);
    SHOW(slurp("/proc/self/statm") > 0);
    SHOW(slurp("/proc/self/limits") > 500);
    IS(strstr(room, "Max open files") != NULL);
    SHOW(slurp("/proc/self/auxv") > 100);
    SHOW(slurp("/proc/self/mountinfo") > 10);
    SHOW(slurp("/proc/self/cgroup") >= 0);
    SHOW(slurp("/proc/self/oom_score_adj") > 0);
    SHOW(slurp("/proc/self/missing"));
    SHOW(slurp("/proc/self/io") >= 0);
    return 0;
}
