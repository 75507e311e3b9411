/* getgroups(2), setgroups(2): and what they open. */
#include "check.h"
#include <grp.h>
static void member(void)
{
    gid_t groups[8] = {0};
    SHOW(setgroups(3, (gid_t[]){500, 600, 700}));
    SHOW(getgroups(0, NULL));
    SHOW(getgroups(8, groups));
    SHOW(groups[0] + groups[1] + groups[2]);
    SHOW(getgroups(2, groups));
    SHOW(getgroups(-1, groups));
    SHOW(setgid(1000) | setuid(1000));
    OK(open("shared", O_RDONLY));
    OK(open("shared", O_WRONLY));
    OK(open("closed", O_RDONLY));
    SHOW(setgroups(1, groups));
    SHOW(getgroups(8, BAD));
}
int main(void)
{
    close(file_of("shared", "x"));
    close(file_of("closed", "x"));
    SHOW(chown("shared", 0, 600) | chmod("shared", 0640));
    SHOW(chown("closed", 0, 601) | chmod("closed", 0640));
    SHOW(getgroups(0, NULL));
    child(member);
    SHOW(setgroups(100000, BAD));
    SHOW(setgroups(1, BAD));
    return 0;
}
