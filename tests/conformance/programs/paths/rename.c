/* rename(2): over files, directories, links; errors. */
#include "check.h"
int main(void)
{
    close(file_of("a", "a"));
    close(file_of("b", "b"));
    SHOW(mkdir("d", 0755) | mkdir("e", 0755) | mkdir("full", 0755) | mkdir("full/x", 0755));
    SHOW(symlink("b", "l"));
    SHOW(rename("a", "b"));
    show_file("b");
    SHOW(rename("b", "b"));
    SHOW(rename("b", "d"));
    SHOW(rename("d", "b"));
    SHOW(rename("d", "e"));
    SHOW(rename("e", "full"));
    SHOW(rename("full", "full/x/y"));
    SHOW(rename("b", "b/"));
    SHOW(rename("missing", "z"));
    SHOW(rename("b", "missing/z"));
    SHOW(rename("", "z"));
    SHOW(rename("b", ""));
    SHOW(rename("b", BAD));
    SHOW(rename("l", "moved"));
    show_file("moved");
    SHOW(rename(".", "z"));
    SHOW(rename("e", "/"));
    SHOW(rename("b", "/dev/shm/b"));
    SHOW(link("b", "same"));
    SHOW(rename("b", "same"));
    SHOW(access("b", F_OK));
    SHOW(renameat(open("full", O_RDONLY), "x", AT_FDCWD, "out"));
    SHOW(rmdir("out"));
    return 0;
}
