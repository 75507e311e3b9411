/* fork(2): parent and child change the same pages, both ways, over generations. */
#include "check.h"
static char *room;
static int to_child[2], to_parent[2];
static int sum(void)
{
    int total = 0;
    for (int i = 0; i < 64; i++)
        total += room[i * PAGE];
    return total;
}
static void grandchild(void) { SHOW(sum()); room[0] = 50; SHOW(sum()); }
static void life(void)
{
    await(to_child);
    SHOW(sum());
    memset(room, 3, 64 * PAGE);
    SHOW(sum());
    child(grandchild);
    SHOW(sum());
    tell(to_parent);
}
int main(void)
{
    SHOW(pipe(to_child) | pipe(to_parent));
    OK(room = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memset(room, 1, 64 * PAGE);
    pid_t pid = start(life);
    memset(room, 2, 32 * PAGE);
    tell(to_child);
    await(to_parent);
    SHOW(sum());
    reap("life", pid);
    return 0;
}
