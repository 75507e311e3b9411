/* SIGBUS beyond the end of a mapped file, BUS_ADRERR; gone when the file grows. */
#include "check.h"
int main(void)
{
    int fd = file_of("f", "0123456789");
    char *a;
    OK(a = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    FAULT(a[PAGE - 1] = 1);
    expected_address = a + PAGE;
    FAULT((void)*(volatile char *)(a + PAGE));
    expected_address = a + 2 * PAGE + 3;
    FAULT(a[2 * PAGE + 3] = 1);
    SHOW(ftruncate(fd, 3 * PAGE));
    FAULT(a[2 * PAGE + 3] = 1);
    SHOW(ftruncate(fd, PAGE));
    FAULT(a[2 * PAGE + 3] = 1);
    SHOW(write(fd, a + 2 * PAGE, 4));
    SHOW(read(fd, a + 2 * PAGE, 4));
    OK(open(a + 2 * PAGE, O_RDONLY));
    char *b;
    OK(b = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
    expected_address = b + PAGE;
    FAULT(b[PAGE] = 1);
    SHOW(ftruncate(fd, 0));
    expected_address = b;
    FAULT((void)*(volatile char *)b);
    return 0;
}
