/* open(2): what the flags mean. */
#include "check.h"
int main(void)
{
    close(file_of("f", "0123456789"));
    int fd;
    OK(fd = open("f", O_RDONLY));
    HEX(fcntl(fd, F_GETFL) & ~O_LARGEFILE & ~0100000);
    SHOW(write(fd, "x", 1));
    close(fd);
    OK(fd = open("f", O_WRONLY | O_APPEND | O_NONBLOCK | O_SYNC));
    HEX(fcntl(fd, F_GETFL) & ~0100000);
    SHOW(read(fd, (char[1]){0}, 1));
    close(fd);
    OK(fd = open("f", O_RDWR | O_TRUNC));
    SHOW(lseek(fd, 0, SEEK_END));
    close(fd);
    OK(fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
    OK(fd = open("g", O_RDWR | O_CREAT | O_EXCL, 0600));
    OK(open("g", O_RDWR | O_NOATIME | O_NOFOLLOW));
    OK(open("g", O_RDONLY | O_CLOEXEC));
    OK(open(".", O_RDONLY | O_DIRECTORY));
    OK(open(".", O_RDWR));
    OK(open(".", O_RDONLY | O_CREAT, 0644));
    OK(creat("h", 0444));
    OK(open("h", 3));
    OK(open("h", O_RDONLY | O_TRUNC));
    return 0;
}
