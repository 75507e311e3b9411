/* RLIMIT_FSIZE is about what a program writes into files: not about what it reads, and not about memory. */
#include "check.h"
#include <sys/resource.h>
static long all_of(const char *path)
{
    char room[512];
    long total = 0, got;
    int fd = open(path, O_RDONLY);
    while ((got = read(fd, room, sizeof room)) > 0)
        total += got;
    close(fd);
    return fd < 0 ? fd : total;
}
int main(void)
{
    struct rlimit limit = {64, 128}, found;
    signal(SIGXFSZ, SIG_IGN);
    SHOW(setrlimit(RLIMIT_FSIZE, &limit));
    IS(all_of("/proc/self/maps") > 128);
    IS(all_of("/proc/self/status") > 128);
    IS(all_of("/proc/meminfo") > 128);
    char *shared = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    IS(shared != MAP_FAILED);
    shared[16 * PAGE - 1] = 1;
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    SHOW(write(fd, shared, 100));
    SHOW(write(fd, shared, 1));
    SHOW(ftruncate(fd, 100));
    SHOW(getrlimit(RLIMIT_FSIZE, &found));
    SHOW(found.rlim_cur), SHOW(found.rlim_max);
    limit.rlim_cur = 128;
    SHOW(setrlimit(RLIMIT_FSIZE, &limit));
    SHOW(ftruncate(fd, 100));
    limit.rlim_max = 100;
    SHOW(setrlimit(RLIMIT_FSIZE, &limit));
    limit.rlim_cur = 100;
    SHOW(setrlimit(RLIMIT_FSIZE, &limit));
    if (fork() == 0) {
        SHOW(ftruncate(fd, 101));
        _exit(0);
    }
    wait(NULL);
    return 0;
}
