/* chown(2), lchown(2), fchown(2), fchownat(2): -1 leaves, links, errors. */
#include "check.h"
static void show(const char *name)
{
    struct stat st = {0};
    int result = lstat(name, &st);
    printf("%s: %d %u:%u\n", name, result, st.st_uid, st.st_gid);
}
int main(void)
{
    int fd = file_of("f", "");
    SHOW(symlink("f", "l"));
    SHOW(chown("f", 100, 200));
    show("f");
    SHOW(chown("f", -1, 300));
    show("f");
    SHOW(chown("f", 5, -1));
    show("f");
    SHOW(lchown("l", 7, 8));
    show("l");
    show("f");
    SHOW(chown("l", 9, 10));
    show("f");
    SHOW(fchown(fd, 11, 12));
    show("f");
    SHOW(fchownat(AT_FDCWD, "l", 1, 2, AT_SYMLINK_NOFOLLOW));
    show("l");
    SHOW(fchownat(fd, "", 3, 4, AT_EMPTY_PATH));
    show("f");
    SHOW(fchownat(AT_FDCWD, "f", 1, 2, 0x10));
    SHOW(chown("missing", 1, 1));
    SHOW(fchown(-1, 1, 1));
    SHOW(chown(BAD, 1, 1));
    return 0;
}
