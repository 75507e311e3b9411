/* futex(2) in memory that processes share: anonymous, in a file mapped twice. */
#include "check.h"
#include <linux/futex.h>
static int *word, *other_view;
static void wakes(void)
{
    while (syscall(SYS_futex, other_view, FUTEX_WAKE, 1, NULL, NULL, 0) != 1)
        milliseconds(1);
    _exit(1);
}
static void waits(const char *where)
{
    pid_t pid = start(wakes);
    SHOW(syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0));
    reap(where, pid);
}
int main(void)
{
    word = other_view = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    waits("anonymous");
    int fd = file_of("f", "");
    SHOW(ftruncate(fd, PAGE));
    word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    other_view = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    waits("two views of a file");
    return 0;
}
