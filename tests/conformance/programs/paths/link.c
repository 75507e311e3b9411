/* link(2), linkat(2): counts, links to links, errors. */
#include "check.h"
int main(void)
{
    struct stat st;
    int fd = file_of("f", "x");
    SHOW(link("f", "g"));
    SHOW((stat("f", &st), st.st_nlink));
    SHOW(link("f", "g"));
    SHOW(symlink("f", "s"));
    SHOW(link("s", "hard-of-soft"));
    SHOW((lstat("hard-of-soft", &st), S_ISLNK(st.st_mode)));
    SHOW(linkat(AT_FDCWD, "s", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW));
    SHOW((lstat("followed", &st), S_ISREG(st.st_mode)));
    SHOW(st.st_nlink);
    SHOW(mkdir("d", 0755));
    SHOW(link("d", "e"));
    SHOW(link("missing", "e"));
    SHOW(link("f", "missing/e"));
    SHOW(link("f", ""));
    SHOW(link("f", BAD));
    SHOW(link("f", "/dev/shm/x"));
    SHOW(linkat(AT_FDCWD, "f", AT_FDCWD, "h", 0x1));
    SHOW(linkat(fd, "", AT_FDCWD, "h", 0));
    SHOW(linkat(-1, "f", AT_FDCWD, "h", 0));
    SHOW(linkat(open("d", O_RDONLY), "../f", open("d", O_PATH), "in", 0));
    show_file("d/in");
    return 0;
}
