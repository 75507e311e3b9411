/* mremap(2): grow in place, move, shrink, to a fixed place, files. */
#include "check.h"
int main(void)
{
    char *a, *b, *c;
    OK(a = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)); /* room around it */
    OK(a = mmap(a, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    SHOW(munmap(a + 8 * PAGE, 56 * PAGE));
    memset(a, 'a', 8 * PAGE);
    SHOW(mremap(a, 8 * PAGE, 4 * PAGE, 0) == a);
    expected_address = a + 4 * PAGE;
    FAULT((void)*(volatile char *)(a + 4 * PAGE));
    OK(b = mremap(a, 4 * PAGE, 8 * PAGE, 0));
    IS(b == a && b[3 * PAGE] == 'a' && b[7 * PAGE] == 0);
    OK(c = mmap(a + 8 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    OK(mremap(a, 8 * PAGE, 16 * PAGE, 0));
    OK(b = mremap(a, 8 * PAGE, 16 * PAGE, MREMAP_MAYMOVE));
    IS(b != a && b[0] == 'a' && b[4 * PAGE - 1] == 'a' && b[15 * PAGE] == 0);
    expected_address = a;
    FAULT((void)*(volatile char *)a);
    OK(c = mmap(NULL, 32 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    IS(mremap(b, 16 * PAGE, 20 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, c + PAGE) == c + PAGE);
    IS(c[PAGE] == 'a' && c[20 * PAGE] == 0);
    int fd = file_of("f", "in the file");
    SHOW(ftruncate(fd, 4 * PAGE));
    SHOW(pwrite(fd, "last", 4, 3 * PAGE));
    OK(a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    OK(b = mremap(a, PAGE, 4 * PAGE, MREMAP_MAYMOVE));
    TEXT(b);
    TEXT(b + 3 * PAGE);
    b[3] = 'T';
    show_file("f");
    return 0;
}
