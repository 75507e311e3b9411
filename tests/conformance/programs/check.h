/* What every conformance program includes: calls are written down with their results, in words that are the same anywhere.
 *
 *   SHOW(call)        "call = 3", or "call = -1 ENOENT"
 *   OK(call)          the same, but any result other than -1 is only "ok": descriptors, addresses, process ids
 *   IS(condition)     "condition: yes" or "no"
 *   TEXT(string)      "string = \"...\""
 *   FAULT(statement)  the signal, its code and whether its address is `expected_address`, or "no fault"
 *   child(function)   the function in a forked child, and how that ended; start() and reap() are its halves
 */
#ifndef CHECK_H
#define CHECK_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define BAD ((void *)8)                          /* mapped nowhere */
#define KERNEL ((void *)0xffff800000001000ul)    /* the kernel's half */
#define UNUSED __attribute__((unused))
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Lines leave at once: a fork must not copy half of one, and a death must not lose it. */
__attribute__((constructor)) static void check_start(void)
{
    static char room[PAGE];
    setvbuf(stdout, room, _IOLBF, sizeof room);
}

UNUSED static long check_show(const char *text, long result, int error, int hidden)
{
    if (result == -1)
        printf("%s = -1 %s\n", text, error ? strerrorname_np(error) : "0");
    else if (hidden)
        printf("%s: ok\n", text);
    else
        printf("%s = %ld\n", text, result);
    errno = error;
    return result;
}

#define CHECKED(text, call, hidden)                              \
    ({                                                           \
        errno = 0;                                               \
        long check_result = (long)(call);                        \
        check_show(text, check_result, errno, hidden);           \
    })
#define SHOW(call) CHECKED(#call, call, 0)
#define OK(call) CHECKED(#call, call, 1)
#define IS(condition) printf("%s: %s\n", #condition, (condition) ? "yes" : "no")
#define TEXT(string) printf("%s = \"%s\"\n", #string, (string))
#define HEX(value) printf("%s = %#lx\n", #value, (unsigned long)(value))

/* pthread functions return their error. */
#define RC(call)                                                                  \
    ({                                                                            \
        int check_error = (call);                                                 \
        printf("%s: %s\n", #call, check_error ? strerrorname_np(check_error) : "ok"); \
        check_error;                                                              \
    })

UNUSED static const char *signal_name(int number)
{
    static char room[16];
    const char *name = sigabbrev_np(number);
    if (name)
        snprintf(room, sizeof room, "SIG%s", name);
    else
        snprintf(room, sizeof room, number >= SIGRTMIN ? "SIGRTMIN+%d" : "%d", number >= SIGRTMIN ? number - SIGRTMIN : number);
    return room;
}

UNUSED static void show_status(const char *who, int status)
{
    if (WIFEXITED(status))
        printf("%s: exited %d\n", who, WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        printf("%s: killed by %s%s\n", who, signal_name(WTERMSIG(status)), WCOREDUMP(status) ? " (core)" : "");
    else if (WIFSTOPPED(status))
        printf("%s: stopped by %s\n", who, signal_name(WSTOPSIG(status)));
    else if (WIFCONTINUED(status))
        printf("%s: continued\n", who);
    else
        printf("%s: status %#x\n", who, status);
}

UNUSED static int reap(const char *who, pid_t pid)
{
    int status = 0;
    pid_t gone;
    while ((gone = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
        ;
    if (gone != pid)
        printf("%s: waitpid %s\n", who, strerrorname_np(errno));
    else
        show_status(who, status);
    return status;
}

#define start(function)                     \
    ({                                      \
        pid_t check_pid = fork();           \
        if (check_pid == 0) {               \
            function();                     \
            fflush(stdout);                 \
            _exit(0);                       \
        }                                   \
        check_pid;                          \
    })
#define child(function) reap(#function, start(function))

/* The same for two that run at once: what the child writes is shown when it has ended. */
UNUSED static void check_aside(void)
{
    if (!freopen("aside", "w", stdout))
        _exit(98);
}
#define start_aside(function)               \
    ({                                      \
        pid_t check_pid = fork();           \
        if (check_pid == 0) {               \
            check_aside();                  \
            function();                     \
            fflush(stdout);                 \
            _exit(0);                       \
        }                                   \
        check_pid;                          \
    })

UNUSED static void show_aside(void)
{
    char line[512];
    FILE *file = fopen("aside", "r");
    while (file && fgets(line, sizeof line, file))
        printf("| %s", line);
    if (file)
        fclose(file);
    unlink("aside");
}

UNUSED static void reap_aside(const char *who, pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    show_aside();
    show_status(who, status);
}

/* Faults: the handler notes what came and goes back to before the statement. */
static sigjmp_buf check_before;
static siginfo_t check_info;
UNUSED static void *volatile expected_address;

UNUSED static void check_fault(int number UNUSED, siginfo_t *info, void *context UNUSED)
{
    check_info = *info;
    siglongjmp(check_before, 1);
}

UNUSED static const char *fault_code(int number, int code)
{
    static char room[16];
    static const char *segv[] = {"", "SEGV_MAPERR", "SEGV_ACCERR"};
    static const char *bus[] = {"", "BUS_ADRALN", "BUS_ADRERR"};
    static const char *fpe[] = {"", "FPE_INTDIV", "FPE_INTOVF", "FPE_FLTDIV", "FPE_FLTOVF", "FPE_FLTUND", "FPE_FLTRES", "FPE_FLTINV"};
    if (number == SIGSEGV && code > 0 && code < 3)
        return segv[code];
    if (number == SIGBUS && code > 0 && code < 3)
        return bus[code];
    if (number == SIGFPE && code > 0 && code < 8)
        return fpe[code];
    snprintf(room, sizeof room, "code %d", code);
    return room;
}

UNUSED static void watch_faults(void)
{
    struct sigaction action = {.sa_sigaction = check_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    for (size_t i = 0; i < COUNT(numbers); i++)
        sigaction(numbers[i], &action, NULL);
}

#define FAULT(statement)                                                                              \
    do {                                                                                              \
        watch_faults();                                                                               \
        if (sigsetjmp(check_before, 1) == 0) {                                                        \
            statement;                                                                                \
            printf("%s: no fault\n", #statement);                                                     \
        } else                                                                                        \
            printf("%s: %s %s, address %s\n", #statement, signal_name(check_info.si_signo),           \
                   fault_code(check_info.si_signo, check_info.si_code),                               \
                   check_info.si_addr == expected_address ? "as expected" : "another");               \
    } while (0)

/* Files and pipes. */
UNUSED static int file_of(const char *name, const char *contents)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, contents, strlen(contents)) != (ssize_t)strlen(contents) || lseek(fd, 0, SEEK_SET) != 0)
        perror(name), exit(99);
    return fd;
}

UNUSED static void show_file(const char *name)
{
    char room[512];
    int fd = open(name, O_RDONLY);
    ssize_t got = fd < 0 ? -1 : read(fd, room, sizeof room - 1);
    room[got < 0 ? 0 : got] = 0;
    printf("%s contains \"%s\"\n", name, got < 0 ? strerrorname_np(errno) : room);
    if (fd >= 0)
        close(fd);
}

/* Two processes in step: one waits until the other tells. */
UNUSED static void tell(int fds[2]) { (void)!write(fds[1], "x", 1); }
UNUSED static void await(int fds[2])
{
    char byte;
    while (read(fds[0], &byte, 1) < 0 && errno == EINTR)
        ;
}

UNUSED static void milliseconds(int n)
{
    struct timespec left = {n / 1000, n % 1000 * 1000000l};
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

/* Until a process waits for something, in two looks; ten seconds at most. */
UNUSED static void until_asleep(pid_t pid)
{
    char path[32], line[512];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    for (int looks = 0, found = 0; looks < 10000 && found < 2; looks++) {
        FILE *stat = fopen(path, "r");
        char *end = stat && fgets(line, sizeof line, stat) ? strrchr(line, ')') : NULL;
        found = end && end[2] == 'S' ? found + 1 : 0;
        if (stat)
            fclose(stat);
        milliseconds(1);
    }
}

UNUSED static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}
#endif
