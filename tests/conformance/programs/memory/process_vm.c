/* process_vm_readv(2), process_vm_writev(2): a child's memory. */
#include "check.h"
static int ready[2], go[2];
static char *a;
static void other(void)
{
    strcpy(a, "in the child");
    tell(ready);
    await(go);
    TEXT(a);
}
int main(void)
{
    char room[32] = "";
    SHOW(pipe(ready) | pipe(go));
    OK(a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    strcpy(a, "in the parent");
    struct iovec mine = {room, 20}, his = {a, 20};
    pid_t pid = start(other);
    await(ready);
    SHOW(process_vm_readv(pid, &mine, 1, &his, 1, 0));
    TEXT(room);
    strcpy(room, "written");
    SHOW(process_vm_writev(pid, &mine, 1, &his, 1, 0));
    tell(go);
    reap("other", pid);
    TEXT(a);
    return 0;
}
