/* chdir(2), fchdir(2), getcwd(2): also in what was deleted. */
#include "check.h"
int main(void)
{
    char room[256];
    int home = open(".", O_RDONLY), file = file_of("f", "");
    TEXT(getcwd(room, sizeof room));
    SHOW(mkdir("d", 0755));
    SHOW(symlink("d", "l"));
    SHOW(chdir("l"));
    TEXT(getcwd(room, sizeof room));
    SHOW(fchdir(home));
    TEXT(getcwd(room, sizeof room));
    SHOW(chdir("missing"));
    SHOW(chdir("f"));
    SHOW(chdir(""));
    SHOW(chdir(BAD));
    SHOW(fchdir(file));
    SHOW(fchdir(-1));
    SHOW(syscall(SYS_getcwd, room, 1));
    SHOW(syscall(SYS_getcwd, BAD, 100));
    SHOW(syscall(SYS_getcwd, room, 100));
    SHOW(chdir("d"));
    SHOW(rmdir("../d"));
    IS(getcwd(room, sizeof room) == NULL);
    SHOW(errno);
    SHOW(mkdir("x", 0755));
    OK(open("x", O_CREAT | O_WRONLY, 0600));
    SHOW(access(".", F_OK));
    SHOW(chdir(".."));
    TEXT(getcwd(room, sizeof room));
    SHOW(chdir("/"));
    SHOW(chdir("../.."));
    TEXT(getcwd(room, sizeof room));
    return 0;
}
