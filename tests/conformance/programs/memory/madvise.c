/* madvise(2): contents given back are zeros, or the file's; errors. */
#include "check.h"
int main(void)
{
    int fd = file_of("f", "0123456789");
    char *a, *b;
    OK(a = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memset(a, 'a', 4 * PAGE);
    SHOW(madvise(a + PAGE, PAGE, MADV_DONTNEED));
    IS(a[PAGE - 1] == 'a' && a[PAGE] == 0 && a[2 * PAGE - 1] == 0 && a[2 * PAGE] == 'a');
    a[PAGE] = 'b';
    IS(a[PAGE] == 'b');
    OK(b = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
    b[0] = 'X';
    SHOW(madvise(b, PAGE, MADV_DONTNEED));
    IS(b[0] == '0');
    SHOW(madvise(a, 4 * PAGE, MADV_WILLNEED));
    SHOW(madvise(a, 4 * PAGE, MADV_SEQUENTIAL));
    SHOW(madvise(a, 4 * PAGE, MADV_RANDOM));
    SHOW(madvise(a, 4 * PAGE, MADV_NORMAL));
    SHOW(madvise(a, 4 * PAGE, MADV_DONTFORK));
    SHOW(madvise(a, 4 * PAGE, MADV_DOFORK));
    SHOW(madvise(a, 4 * PAGE, MADV_DONTDUMP));
    SHOW(madvise(a, 4 * PAGE, MADV_FREE));
    SHOW(madvise(a, 0, MADV_DONTNEED));
    SHOW(madvise(a + 1, PAGE, MADV_DONTNEED));
    SHOW(madvise(a, PAGE, 999));
    SHOW(munmap(a + PAGE, PAGE));
    a[0] = 'x';
    SHOW(madvise(a, 4 * PAGE, MADV_DONTNEED));
    SHOW(a[0]);
    SHOW(madvise(KERNEL, PAGE, MADV_DONTNEED));
    OK(a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    a[0] = 5;
    SHOW(madvise(a, PAGE, MADV_DONTNEED));
    SHOW(a[0]);
    SHOW(madvise(a, PAGE, MADV_REMOVE));
    SHOW(a[0]);
    return 0;
}
