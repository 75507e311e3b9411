/* /proc/self/fd, /proc/self/fdinfo, /proc/PID of others. */
#include "check.h"
#include <dirent.h>
static int go[2];
static void show(const char *path)
{
    char room[256] = "";
    SHOW(read(open(path, O_RDONLY), room, 255));
    TEXT(room);
}
static void sleeper(void) { await(go); }
int main(void)
{
    char path[64], target[64], line[128];
    int fd = file_of("f", "0123456789");
    lseek(fd, 4, SEEK_SET);
    int n = 0, seen = 0;
    DIR *dir = opendir("/proc/self/fd");
    for (struct dirent *e; (e = readdir(dir));) {
        n += e->d_name[0] != '.';
        seen |= 1 << (atoi(e->d_name) & 31);
    }
    closedir(dir);
    SHOW(n);
    SHOW(seen);
    memset(target, 0, 64);
    SHOW(readlink("/proc/self/fd/3", target, 63));
    TEXT(target);
    FILE *info = fopen("/proc/self/fdinfo/3", "r");
    while (info && fgets(line, sizeof line, info))
        if (strncmp(line, "pos:", 4) == 0 || strncmp(line, "flags:", 6) == 0)
            fputs(line, stdout);
    SHOW(pipe(go));
    memset(target, 0, 64);
    readlink("/proc/self/fd/4", target, 63);
    SHOW(strncmp(target, "pipe:[", 6));
    pid_t pid = start(sleeper);
    sprintf(path, "/proc/%d/comm", pid);
    show(path);
    sprintf(path, "/proc/%d/exe", pid);
    memset(target, 0, 64);
    SHOW(readlink(path, target, 63) > 0);
    TEXT(target);
    sprintf(path, "/proc/%d/cmdline", pid);
    show(path);
    sprintf(path, "/proc/%d", pid);
    SHOW(access(path, F_OK));
    tell(go);
    reap("sleeper", pid);
    SHOW(access(path, F_OK));
    SHOW(access("/proc/999999", F_OK));
    char self[16] = "", number[16];
    SHOW(readlink("/proc/self", self, 15) > 0);
    sprintf(number, "%d", getpid());
    IS(strcmp(self, number) == 0);
    return 0;
}
