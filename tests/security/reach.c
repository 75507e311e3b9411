/* Tries to catch a descriptor of its monitor's: from another thread by number, from another process through /proc. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOWEST 3
#define HIGHEST 9

static const char *const DOORS[] = {"self/mem", "../self/mem", "../../self/mem", "mem", "../mem", "9000", "../../../1/mem"};

/* Makes the monitor look into its own procfs, again and again. */
static void *
keep_busy(void *what)
{
    static char room[1 << 16];
    for (;;) {
        struct sysinfo info;
        sysinfo(&info);
        int fd = open(what, O_RDONLY);
        while (syscall(SYS_getdents64, fd, room, sizeof room) > 0 || read(fd, room, sizeof room) > 0)
            ;
        close(fd);
    }
    return 0;
}

/* What a monitor's descriptor leads to, and no descriptor of ours. */
static int
leads_out(int folder)
{
    for (size_t i = 0; i < sizeof DOORS / sizeof *DOORS; i++) {
        int fd = openat(folder, DOORS[i], O_RDWR);
        if (fd >= 0) {
            printf("descriptor %d leads to %s\n", folder, DOORS[i]);
            return 1;
        }
    }
    return 0;
}

static int
by_number(char *what, long tries)
{
    pthread_t thread;
    pthread_create(&thread, 0, keep_busy, what);
    for (long i = 0; i < tries; i++)
        if (leads_out(LOWEST + i % (HIGHEST - LOWEST)))
            return 1;
    return 0;
}

static int
through_proc(char *what, long tries)
{
    pid_t busy = fork();
    if (!busy)
        keep_busy(what);
    int found = 0;
    for (long i = 0; i < tries && !found; i++) {
        char name[64];
        snprintf(name, sizeof name, "/proc/%d/fd/%ld", busy, LOWEST + i % (HIGHEST - LOWEST));
        int fd = open(name, O_RDONLY);
        found = fd >= 0 && leads_out(fd);
        close(fd);
        for (size_t door = 0; door < sizeof DOORS / sizeof *DOORS && !found; door++) {
            char longer[128];
            snprintf(longer, sizeof longer, "%s/%s", name, DOORS[door]);
            found = open(longer, O_RDWR) >= 0;
        }
    }
    kill(busy, SIGKILL);
    waitpid(busy, 0, 0);
    return found;
}

int
main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    long tries = atol(argv[3]);
    int found = strcmp(argv[1], "number") ? through_proc(argv[2], tries) : by_number(argv[2], tries);
    puts(found ? "reached" : "nothing");
    fflush(stdout);
    _exit(found);
}
