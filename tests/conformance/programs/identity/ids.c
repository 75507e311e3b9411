/* Who one is, as root: real, effective, saved; changes back and forth. */
#include "check.h"
#include <grp.h>
#include <sys/fsuid.h>
static void show(void)
{
    uid_t r, e, s;
    gid_t a, b, c;
    getresuid(&r, &e, &s), getresgid(&a, &b, &c);
    printf("  uids %d %d %d gids %d %d %d\n", r, e, s, a, b, c);
}
static void temporary(void)
{
    SHOW(setegid(100));
    SHOW(seteuid(1000));
    show();
    OK(open("/etc/shadow-of-root", O_CREAT | O_WRONLY, 0600));
    SHOW(seteuid(0));
    show();
    SHOW(setreuid(5, 6));
    show();
    SHOW(seteuid(0));
    SHOW(seteuid(5));
    show();
}
static void forever(void)
{
    SHOW(setgid(1000));
    SHOW(setuid(1000));
    show();
    SHOW(setuid(0));
    SHOW(seteuid(0));
    SHOW(setgid(0));
    SHOW(setresuid(-1, -1, 1000));
    SHOW(setresuid(-1, -1, 0));
    SHOW(setgroups(0, NULL));
}
int main(void)
{
    show();
    SHOW(getuid() + geteuid() + getgid() + getegid());
    child(temporary);
    child(forever);
    SHOW(setresuid(-1, -1, -1));
    SHOW(setuid(-1));
    SHOW(setfsuid(-1));
    SHOW(setfsgid(-1));
    SHOW(syscall(SYS_getresuid, BAD, BAD, BAD));
    return 0;
}
