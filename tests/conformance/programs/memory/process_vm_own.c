/* process_vm_readv(2), process_vm_writev(2): a process's own memory, and errors. */
#include "check.h"
int main(void)
{
    char room[32] = "", *a;
    OK(a = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(munmap(a + PAGE, PAGE));
    strcpy(a, "in the parent");
    struct iovec mine = {room, 20}, his = {a, 20}, bad = {BAD, 20}, over = {a + PAGE - 8, 20};
    struct iovec both[] = {{room + 4, 4}, {room, 4}}, parts[] = {{a, 3}, {a + 3, 5}};
    SHOW(process_vm_readv(getpid(), &mine, 1, &his, 1, 0));
    TEXT(room);
    SHOW(process_vm_readv(getpid(), both, 2, parts, 2, 0));
    TEXT(room);
    SHOW(process_vm_readv(getpid(), &mine, 1, &bad, 1, 0));
    SHOW(process_vm_readv(getpid(), &bad, 1, &his, 1, 0));
    SHOW(process_vm_readv(getpid(), &mine, 1, &over, 1, 0));
    SHOW(process_vm_readv(getpid(), &mine, 1, &his, 1, 1));
    SHOW(process_vm_readv(getpid(), &mine, 1, &his, 2000, 0));
    SHOW(process_vm_readv(getpid(), &mine, 0, &his, 1, 0));
    SHOW(process_vm_readv(getpid(), &mine, 1, &his, 0, 0));
    SHOW(process_vm_readv(getpid(), BAD, 1, &his, 1, 0));
    SHOW(process_vm_readv(999999, &mine, 1, &his, 1, 0));
    SHOW(process_vm_writev(getpid(), &(struct iovec){"new", 4}, 1, &his, 1, 0));
    TEXT(a);
    return 0;
}
