/* unlink(2) and its errors. */
#include "check.h"
int main(void)
{
    close(file_of("f", "x"));
    SHOW(mkdir("d", 0755));
    SHOW(symlink("d", "l"));
    SHOW(unlink("f/"));
    SHOW(unlink("d"));
    SHOW(unlink("l/"));
    SHOW(unlink("l"));
    SHOW(unlink("f"));
    SHOW(unlink("f"));
    SHOW(unlink(""));
    SHOW(unlink(BAD));
    SHOW(unlink("."));
    SHOW(unlink("/"));
    SHOW(unlink("d/x/y"));
    SHOW(unlink("/proc/self/stat"));
    SHOW(unlinkat(-1, "x", 0));
    return 0;
}
