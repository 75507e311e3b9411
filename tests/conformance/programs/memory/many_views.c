/* Many mappings of parts of one file, in an order of their own, over one another. */
#include "check.h"
int main(void)
{
    char line[PAGE];
    int fd = file_of("f", "");
    for (int i = 0; i < 32; i++) {
        memset(line, 'A' + i, PAGE);
        (void)!write(fd, line, PAGE);
    }
    char *a;
    OK(a = mmap(NULL, 32 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
    for (int i = 0; i < 32; i += 3)
        if (mmap(a + i * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_FIXED | (i % 2 ? MAP_SHARED : MAP_PRIVATE), fd, (31 - i) * PAGE) == MAP_FAILED)
            perror("mmap");
    for (int i = 0; i < 32; i++)
        putchar(a[i * PAGE]);
    puts("");
    for (int i = 0; i < 32; i += 3)
        a[i * PAGE + 1] = '!';
    for (int i = 0; i < 32; i++) {
        (void)!pread(fd, line, 2, i * PAGE);
        putchar(line[1] == '!' ? '!' : '.');
    }
    puts("");
    for (int i = 0; i < 32; i++)
        if (mprotect(a + i * PAGE, PAGE, i % 2 ? PROT_READ : PROT_NONE))
            perror("mprotect");
    SHOW(munmap(a, 32 * PAGE));
    return 0;
}
