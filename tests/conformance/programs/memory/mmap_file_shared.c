/* MAP_SHARED of a file: every view is the same, the file too, also through read(2), write(2) and truncation. */
#include "check.h"
int main(void)
{
    char room[16] = "";
    int fd = file_of("f", "0123456789");
    char *a, *b;
    OK(a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    OK(b = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, open("f", O_RDONLY), 0));
    a[2] = 'M';
    IS(b[2] == 'M');
    SHOW(pread(fd, room, 10, 0));
    TEXT(room);
    SHOW(pwrite(fd, "W", 1, 5));
    IS(a[5] == 'W' && b[5] == 'W');
    SHOW(msync(a, PAGE, MS_SYNC));
    SHOW(munmap(a, PAGE));
    show_file("f");
    IS(b[9] == '9');
    SHOW(ftruncate(fd, 4));
    IS(b[3] == '3' && b[9] == 0);
    SHOW(ftruncate(fd, 10));
    IS(b[9] == 0);
    expected_address = b;
    FAULT(*(volatile char *)b = 1);
    return 0;
}
