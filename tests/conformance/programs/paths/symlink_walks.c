/* Symbolic links on the way: absolute ones, chains, loops, forty at most. */
#include "check.h"
int main(void)
{
    char from[16], to[16];
    close(file_of("0", "end"));
    for (int i = 1; i <= 42; i++) {
        sprintf(from, "%d", i - 1), sprintf(to, "%d", i);
        (void)!symlink(from, to);
    }
    show_file("40");
    show_file("41");
    SHOW(mkdir("d", 0755));
    SHOW(symlink("/w/d", "abs"));
    close(file_of("abs/f", "through absolute"));
    show_file("d/f");
    SHOW(symlink("../../../../../../..", "above"));
    SHOW(access("above/w/d/f", F_OK));
    SHOW(access("/../../w/0", F_OK));
    SHOW(symlink("a", "b") | symlink("b", "a"));
    SHOW(access("a", F_OK));
    SHOW(access("a/x", F_OK));
    SHOW(symlink("self/x", "self"));
    SHOW(access("self", F_OK));
    SHOW(symlink("0", "file"));
    SHOW(access("file/", F_OK));
    SHOW(access("file/x", F_OK));
    SHOW(symlink("/proc/self/cwd/d/f", "magic"));
    show_file("magic");
    return 0;
}
