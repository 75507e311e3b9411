/* MAP_FIXED replaces, MAP_FIXED_NOREPLACE does not, a hint is followed where it is free. */
#include "check.h"
int main(void)
{
    char *a, *b;
    OK(a = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memset(a, 'a', 4 * PAGE);
    OK(b = mmap(a + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    IS(b == a + PAGE);
    IS(a[0] == 'a' && b[0] == 0 && a[2 * PAGE] == 'a');
    OK(mmap(a, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    SHOW(munmap(a + PAGE, 2 * PAGE));
    OK(b = mmap(a + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    IS(b == a + PAGE);
    OK(mmap(a + 2 * PAGE, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    OK(b = mmap(a, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    IS(b != a);
    OK(b = mmap(a + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    IS(b == a + 2 * PAGE);
    int fd = file_of("f", "file over memory");
    OK(b = mmap(a, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0));
    TEXT(a);
    OK(mmap((void *)0x10000000, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    *(int *)0x10000000 = 7;
    SHOW(*(int *)0x10000000);
    OK(b = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0));
    IS((uintptr_t)b < 1ul << 32);
    return 0;
}
