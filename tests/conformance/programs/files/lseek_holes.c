/* lseek(2), SEEK_DATA and SEEK_HOLE, in a file of whole pages. */
#include "check.h"
int main(void)
{
    int fd = file_of("f", "");
    SHOW(ftruncate(fd, 256 * PAGE));
    SHOW(pwrite(fd, "data", 4, 64 * PAGE));
    IS(lseek(fd, 0, SEEK_DATA) == 64 * PAGE || lseek(fd, 0, SEEK_DATA) == 0);
    SHOW(lseek(fd, 256 * PAGE, SEEK_DATA));
    SHOW(lseek(fd, 256 * PAGE, SEEK_HOLE));
    SHOW(lseek(fd, 255 * PAGE + 4095, SEEK_HOLE));
    SHOW(lseek(fd, -1, SEEK_DATA));
    return 0;
}
