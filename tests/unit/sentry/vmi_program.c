/* A guest program that asks for its memory, gives some back, asks for more, and ends the whole guest. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmi.h"

#define MIB (1UL << 20)

static struct vmi_memory
info(void)
{
    struct vmi_memory memory = {0};
    if (syscall(VMI_CALL_MEMORY_INFO, &memory, sizeof memory) != sizeof memory)
        perror("info");
    return memory;
}

static const char *
refused(long result)
{
    return result == -1 ? strerrorname_np(errno) : "fine";
}

static void
tell_and_give(void)
{
    char *block = mmap(0, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned long before = info().used;
    memset(block, 7, 64 * MIB);
    struct vmi_memory full = info();
    printf("version %#lx, limit %lu MiB\n", syscall(VMI_CALL_VERSION), full.limit / MIB);
    printf("used %d, room %d\n", full.used - before >= 60 * MIB, full.available <= full.limit - full.used);
    printf("give %s\n", refused(syscall(VMI_CALL_MEMORY_GIVE, block + 4096, 32 * MIB)));
    printf("%d %d %d, less %d\n", block[0], block[4096], block[64 * MIB - 1], full.used - info().used >= 30 * MIB);
    struct vmi_memory head = {.used = 5};
    long filled = syscall(VMI_CALL_MEMORY_INFO, &head, 8UL);
    printf("short %ld, %d\n", filled, head.limit == full.limit && head.used == 5);
    printf("bad buffer %s\n", refused(syscall(VMI_CALL_MEMORY_INFO, 8UL, 32UL)));
    printf("unaligned %s\n", refused(syscall(VMI_CALL_MEMORY_GIVE, block + 1, 4096UL)));
    printf("endless %s\n", refused(syscall(VMI_CALL_MEMORY_GIVE, block, -1UL)));
    munmap(block + 4096, 4096);
    printf("hole %s, %d\n", refused(syscall(VMI_CALL_MEMORY_GIVE, block, 3 * 4096UL)), block[0]);
}

static void
grow(void)
{
    printf("limit %ld MiB\n", syscall(VMI_CALL_MEMORY_GROW, 0UL) / (long)MIB);
    printf("more %s\n", refused(syscall(VMI_CALL_MEMORY_GROW, 4096UL)));
    printf("endless %s\n", refused(syscall(VMI_CALL_MEMORY_GROW, -1UL)));
    printf("unknown %s\n", refused(syscall(VMI_CALL_END)));
}

/* By a grandchild, while its first process waits or computes, one computes and one ignores what it can. */
static void
end(int user, int computes)
{
    fflush(stdout);
    if (!fork())
        for (;;)
            ;
    if (!fork()) {
        signal(SIGTERM, SIG_IGN);
        for (;;)
            pause();
    }
    if (!fork()) {
        if (!fork()) {
            if (user && setuid(user))
                perror("setuid");
            printf("end %s\n", refused(syscall(VMI_CALL_EXIT, 0x12345UL)));
            exit(0);
        }
        pause();
    }
    while (computes || wait(0) > 0)
        ;
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        tell_and_give();
        grow();
        fflush(stdout);
        syscall(VMI_CALL_EXIT, 42UL);
    }
    end(atoi(argv[1]), argc > 2);
    return 1;
}
