/* A reservation that is larger than memory: mprotect(2) refuses it, and it stays without rights, for system calls too. */
#include "check.h"
int main(void)
{
    size_t size = 1ul << 42;
    char *room = mmap((void *)0x200000000000, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    int pipes[2];
    IS(room == (char *)0x200000000000);
    SHOW(mprotect(room, size, PROT_READ | PROT_WRITE));
    SHOW(pipe(pipes));
    SHOW(write(pipes[1], room, 64));
    SHOW(write(pipes[1], "text", 4));
    SHOW(read(pipes[0], room, 4));
    SHOW(open(room, O_RDONLY));
    expected_address = room;
    FAULT(*(volatile char *)room = 1);
    SHOW(mprotect(room, PAGE, PROT_READ | PROT_WRITE));
    SHOW(read(pipes[0], room, 4));
    TEXT(room);
    SHOW(write(pipes[1], room + PAGE, 4));
    return 0;
}
