/*
 * What a program pays for where it runs: printed as "name value" lines, a lower-case unit in the name.
 * Static, so that the same file runs natively and in every guest.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double each(long count, void (*one)(void))
{
    double start = now();
    for (long i = 0; i < count; i++)
        one();
    return (now() - start) / (double)count * 1e6;
}

static void answered(void) { syscall(SYS_getpid); }
static void leaves(void) { syscall(SYS_lseek, 0, 0, SEEK_CUR); }
static void clock_read(void) { now(); }

/* The fastest of several times: a processor's speed changes from one to the next. */
static double cpu(void)
{
    double best = 1e9;
    for (int turn = 0; turn < 7; turn++) {
        volatile unsigned long sum = 0;
        double start = now();
        for (unsigned long i = 0; i < 100000000; i++)
            sum += i;
        best = now() - start < best ? now() - start : best;
    }
    return best * 1e3;
}

static double throughput(const char *path)
{
    static char buffer[1 << 20];
    long total = 0, got;
    double start = now();
    for (int round = 0; round < 8; round++) {
        int fd = open(path, O_RDONLY);
        while ((got = read(fd, buffer, sizeof buffer)) > 0)
            total += got;
        close(fd);
    }
    return (double)total / (now() - start) / 1e6;
}

int main(int argc, char **argv)
{
    printf("answered_us %.3f\n", each(20000, answered));
    printf("leaves_us %.3f\n", each(10000, leaves));
    printf("clock_us %.4f\n", each(200000, clock_read));
    printf("cpu_ms %.1f\n", cpu());
    if (argc > 1)
        printf("read_mb_s %.0f\n", throughput(argv[1]));
    return 0;
}
