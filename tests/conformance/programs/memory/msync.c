/* msync(2): flags and errors. */
#include "check.h"
int main(void)
{
    int fd = file_of("f", "0123456789");
    char *a;
    OK(a = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    a[0] = 'x';
    SHOW(msync(a, PAGE, MS_SYNC));
    SHOW(msync(a, PAGE, MS_ASYNC));
    SHOW(msync(a, PAGE, MS_ASYNC | MS_INVALIDATE));
    SHOW(msync(a, PAGE, MS_SYNC | MS_ASYNC));
    SHOW(msync(a, PAGE, 0x100));
    SHOW(msync(a + 1, PAGE, MS_SYNC));
    SHOW(msync(a, 0, MS_SYNC));
    SHOW(munmap(a + PAGE, PAGE));
    SHOW(msync(a, 2 * PAGE, MS_SYNC));
    show_file("f");
    return 0;
}
