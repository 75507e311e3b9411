/* setreuid, setregid, setresgid, setfsuid: what a user may not; pointers that lead nowhere. @user 1000 */
#include "check.h"
#include <sys/fsuid.h>
int main(void)
{
    gid_t a, b, c;
    SHOW(getuid());
    SHOW(getegid());
    SHOW(setreuid(1000, 1000));
    SHOW(setreuid(0, -1));
    SHOW(setreuid(-1, 5));
    SHOW(setregid(-1, 1000));
    SHOW(setregid(5, -1));
    SHOW(setregid(-1, 0));
    SHOW(setresgid(-1, 1000, -1));
    SHOW(setresgid(-1, -1, 0));
    SHOW(getresgid(&a, &b, &c));
    SHOW(a + b + c);
    SHOW(syscall(SYS_getresgid, BAD, &b, &c));
    SHOW(syscall(SYS_getresuid, &a, BAD, &c));
    SHOW(setfsuid(5));
    SHOW(setfsuid(-1));
    SHOW(setfsgid(1000));
    SHOW(setfsgid(5));
    SHOW(setfsgid(-1));
    return 0;
}
