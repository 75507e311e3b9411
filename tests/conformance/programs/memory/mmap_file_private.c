/* MAP_PRIVATE of a file: its contents, zeros to the end of the page, changes that nobody else sees. */
#include "check.h"
int main(void)
{
    int fd = file_of("f", "0123456789");
    char *a, *b;
    OK(a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
    OK(b = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
    SHOW(close(fd));
    IS(memcmp(a, "0123456789\0\0", 12) == 0 && a[PAGE - 1] == 0);
    a[3] = 'X';
    IS(b[3] == '3');
    show_file("f");
    fd = open("f", O_RDWR);
    SHOW(pwrite(fd, "w", 1, 0));
    IS(b[0] == 'w');
    SHOW(ftruncate(fd, 3 * PAGE));
    SHOW(pwrite(fd, "third", 5, 2 * PAGE));
    OK(b = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 2 * PAGE));
    TEXT(b);
    expected_address = b + 1;
    FAULT(b[1] = 0);
    return 0;
}
