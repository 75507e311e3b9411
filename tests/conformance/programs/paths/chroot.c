/* chroot(2): another root, and no way out of it through dots. */
#include "check.h"
static void inside(void)
{
    char room[64];
    SHOW(chroot("jail"));
    SHOW(chdir("/"));
    TEXT(getcwd(room, 64));
    SHOW(access("/f", F_OK));
    SHOW(access("/../f", F_OK));
    SHOW(access("/outside", F_OK));
    SHOW(access("/../outside", F_OK));
    SHOW(access("/proc", F_OK));
    SHOW(symlink("/f", "/abs"));
    show_file("abs");
}
static void left_out(void)
{
    char room[64];
    SHOW(chroot("jail"));
    SHOW(syscall(SYS_getcwd, room, 64) > 0);
    SHOW(strncmp(room, "(unreachable)", 13));
    SHOW(access("outside", F_OK));
}
int main(void)
{
    SHOW(mkdir("jail", 0755));
    close(file_of("jail/f", "inside"));
    close(file_of("outside", ""));
    SHOW(chroot("missing"));
    SHOW(chroot("outside"));
    child(inside);
    child(left_out);
    SHOW(access("/proc", F_OK));
    return 0;
}
