/*
 * What a C library and an unwinder see in the vDSO given as the argument: versioned symbols, and a way from a signal
 * handler that returns through its trampoline to the function that was interrupted. Prints "ok", or what is wrong.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct kernel_action { void (*handler)(int); unsigned long flags; void *restorer; unsigned long mask; };

static void *seen[64];
static int depth;

static void
handler(int signal)
{
    (void)signal;
    depth = backtrace(seen, 64);
}

__attribute__((noinline)) static int
interrupted(void)
{
    __asm__ volatile("movl $0x1234, %%ebx; ud2; nop" : : : "rbx");
    return 0;
}

static void
skip(int signal, siginfo_t *info, void *context)
{
    (void)info;
    handler(signal);
    ((uint64_t *)context)[5 + 16] += 2; /* rip, past the ud2 */
}

int
main(int argc, char **argv)
{
    const char *names[] = {"clock_gettime", "gettimeofday", "time", "clock_getres", "getcpu"};
    void *vdso = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (!vdso)
        return puts(dlerror()), 1;
    for (int i = 0; i < 5; i++) {
        char name[64];
        snprintf(name, sizeof name, "__vdso_%s", names[i]);
        if (!dlvsym(vdso, name, "LINUX_2.6") || dlvsym(vdso, names[i], "LINUX_2.6") != dlvsym(vdso, name, "LINUX_2.6"))
            return puts(name), 1;
    }
    if (!dlvsym(vdso, "__wirt_vmi", "WIRT_1"))
        return puts("__wirt_vmi"), 1;
    backtrace(seen, 1); /* loads the unwinder outside the handler */
    struct kernel_action action = {
        .handler = (void (*)(int))(void *)skip,
        .flags = SA_SIGINFO | 0x04000000, /* SA_RESTORER */
        .restorer = dlsym(vdso, "__kernel_rt_sigreturn"),
    };
    if (syscall(SYS_rt_sigaction, SIGILL, &action, NULL, 8))
        return puts("rt_sigaction"), 1;
    if (interrupted())
        return puts("registers"), 1;
    for (int i = 0; i < depth; i++) {
        Dl_info where;
        if (dladdr(seen[i], &where) && where.dli_sname && !strcmp(where.dli_sname, "main"))
            return puts("ok"), 0;
    }
    return printf("main is not among %d frames\n", depth), 1;
}
