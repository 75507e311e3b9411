/* mprotect(2): errors, and ranges that cross mappings. */
#include "check.h"
int main(void)
{
    int fd = file_of("f", "0123456789"), reader = open("f", O_RDONLY);
    char *a, *b;
    OK(a = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(mprotect(a + 1, PAGE, PROT_READ));
    SHOW(mprotect(a, 0, PROT_READ));
    SHOW(mprotect(a, PAGE, 0x100));
    SHOW(mprotect(a, -PAGE, PROT_READ));
    SHOW(munmap(a + 2 * PAGE, PAGE));
    SHOW(mprotect(a, 4 * PAGE, PROT_READ));
    expected_address = a;
    FAULT(*(volatile char *)a = 1);
    expected_address = a + 3 * PAGE;
    FAULT(*(volatile char *)(a + 3 * PAGE) = 1);
    SHOW(mprotect(a + 2 * PAGE, PAGE, PROT_READ));
    SHOW(mprotect(KERNEL, PAGE, PROT_READ));
    OK(b = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, reader, 0));
    SHOW(mprotect(b, PAGE, PROT_READ | PROT_WRITE));
    SHOW(mprotect(b, PAGE, PROT_NONE));
    SHOW(mprotect(b, PAGE, PROT_READ));
    OK(b = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, reader, 0));
    SHOW(mprotect(b, PAGE, PROT_READ | PROT_WRITE));
    b[0] = 'x';
    OK(b = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));
    SHOW(mprotect(b, PAGE, PROT_READ | PROT_WRITE));
    b[1] = 'y';
    show_file("f");
    return 0;
}
