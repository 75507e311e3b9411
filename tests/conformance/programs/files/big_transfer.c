/* One call moves megabytes, over several mappings of different kinds. */
#include "check.h"
int main(void)
{
    size_t size = 3 << 20;
    char *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < size; i++)
        room[i] = i * 31 + (i >> 12);
    int fd = file_of("f", ""), map = file_of("map", "");
    SHOW(ftruncate(map, 1 << 20));
    SHOW(write(fd, room, size));
    char *back = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    OK(mmap(back + (1 << 20), 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, map, 0));
    SHOW(pread(fd, back, size, 0));
    IS(memcmp(room, back, size) == 0);
    char *third = malloc(1 << 20);
    SHOW(pread(map, third, 1 << 20, 0));
    IS(memcmp(third, room + (1 << 20), 1 << 20) == 0);
    SHOW(write(fd, back, size));
    SHOW(lseek(fd, 0, SEEK_END));
    return ftruncate(fd, 0) | ftruncate(map, 0);
}
