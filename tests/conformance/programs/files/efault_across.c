/* Buffers that begin in mapped memory and end outside: what was transferred before counts, or EFAULT. */
#include "check.h"
int main(void)
{
    char *two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *edge = two + PAGE;
    SHOW(munmap(edge, PAGE));
    memset(two, 'x', PAGE);
    int fd = file_of("f", ""), pipes[2];
    SHOW(pipe(pipes));
    IS(write(pipes[1], edge - 4, 8) <= 4);
    SHOW(pwrite(fd, edge, 8, 0));
    SHOW(ftruncate(fd, 100));
    SHOW(pread(fd, edge, 8, 0));
    SHOW(pread(fd, edge - 8, 8, 0));
    strcpy(edge - 2, "f");
    OK(open(edge - 2, O_RDONLY));
    edge[-1] = 'f';
    OK(open(edge - 2, O_RDONLY));
    struct stat *st = (struct stat *)(edge - 8);
    SHOW(stat("f", st));
    SHOW(mprotect(two, PAGE, PROT_READ));
    SHOW(pread(fd, two, 8, 0));
    SHOW(pwrite(fd, two, 8, 0));
    SHOW(mprotect(two, PAGE, PROT_NONE));
    SHOW(pwrite(fd, two, 8, 0));
    return 0;
}
