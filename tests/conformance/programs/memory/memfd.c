/* memfd_create(2): a file without a place, mapped, shared, sealed. */
#include "check.h"
int main(void)
{
    char path[64], room[64] = "";
    int fd;
    OK(fd = memfd_create("name", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    SHOW(fcntl(fd, F_GETFD));
    sprintf(path, "/proc/self/fd/%d", fd);
    SHOW(readlink(path, room, 63));
    TEXT(room);
    SHOW(ftruncate(fd, PAGE));
    char *a;
    OK(a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    strcpy(a, "through the map");
    SHOW(pread(fd, room, 15, 0));
    TEXT(room);
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(munmap(a, PAGE));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    SHOW(ftruncate(fd, 0));
    SHOW(ftruncate(fd, 2 * PAGE));
    SHOW(pwrite(fd, "x", 1, 0));
    SHOW(pwrite(fd, "x", 1, PAGE));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(pwrite(fd, "x", 1, 0));
    OK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    OK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    SHOW(fcntl(fd, F_GET_SEALS));
    OK(fd = memfd_create("unsealable", 0));
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    OK(memfd_create("x", 0x800));
    OK(memfd_create(BAD, 0));
    return 0;
}
