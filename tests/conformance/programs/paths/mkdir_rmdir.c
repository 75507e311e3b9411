/* mkdir(2), rmdir(2), their at-forms, and errors. */
#include "check.h"
int main(void)
{
    char name[300];
    memset(name, 'a', 299);
    name[299] = 0;
    int dir;
    SHOW(mkdir("d", 0755));
    SHOW(mkdir("d", 0755));
    SHOW(mkdir("d/e/", 0700));
    SHOW(rmdir("d"));
    SHOW(rmdir("d/."));
    SHOW(rmdir("d/e/.."));
    OK(dir = open("d", O_RDONLY));
    SHOW(mkdirat(dir, "inner", 0711));
    SHOW(unlinkat(dir, "inner", 0));
    SHOW(unlinkat(dir, "inner", AT_REMOVEDIR));
    SHOW(unlinkat(dir, "inner", AT_REMOVEDIR));
    SHOW(unlinkat(dir, "e", 0x1));
    SHOW(rmdir("d/e"));
    SHOW(rmdir("d"));
    SHOW(mkdirat(dir, "late", 0700));
    SHOW(mkdir("x/y", 0700));
    SHOW(mkdir("", 0700));
    SHOW(mkdir(name, 0700));
    SHOW(mkdir(BAD, 0700));
    SHOW(mkdir("/", 0700));
    SHOW(rmdir("/"));
    SHOW(rmdir("missing"));
    close(file_of("f", ""));
    SHOW(rmdir("f"));
    SHOW(mkdir("f/d", 0700));
    SHOW(mkdir("t", 07777));
    struct stat st;
    stat("t", &st);
    HEX(st.st_mode);
    return 0;
}
