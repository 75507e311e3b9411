/* mmap(2), munmap(2): what they refuse. */
#include "check.h"
int main(void)
{
    int fd = file_of("f", "0123456789"), reader = open("f", O_RDONLY), writer = open("f", O_WRONLY), pipes[2];
    SHOW(pipe(pipes));
    OK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    OK(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
    OK(mmap(NULL, PAGE, PROT_READ, 0, fd, 0));
    OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0));
    OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0));
    OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1));
    OK(mmap((void *)1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    OK(mmap(KERNEL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    OK(mmap((void *)0x7ffffffff000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    OK(mmap(NULL, 1ul << 47, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    OK(mmap(NULL, -PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    OK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0));
    OK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0));
    OK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, writer, 0));
    OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, writer, 0));
    OK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, pipes[0], 0));
    OK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, open(".", O_RDONLY), 0));
    OK(mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, LONG_MAX & -PAGE));
    OK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x8000000, fd, 0));
    SHOW(munmap((void *)1, PAGE));
    SHOW(munmap((void *)PAGE, 0));
    SHOW(munmap(KERNEL, PAGE));
    SHOW(munmap((void *)(64 * PAGE), PAGE));
    return 0;
}
