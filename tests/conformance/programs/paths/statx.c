/* statx(2): masks, flags, empty paths, errors. */
#include "check.h"
int main(void)
{
    struct statx x;
    struct stat st;
    int fd = file_of("f", "hello");
    SHOW(symlink("f", "link"));
    SHOW(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x));
    SHOW((x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    SHOW(x.stx_size);
    SHOW(x.stx_mode);
    SHOW(x.stx_nlink);
    stat("f", &st);
    IS(x.stx_ino == st.st_ino && x.stx_mtime.tv_sec == st.st_mtime && x.stx_mtime.tv_nsec == st.st_mtim.tv_nsec);
    SHOW(statx(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &x));
    IS(S_ISLNK(x.stx_mode));
    SHOW(statx(fd, "", AT_EMPTY_PATH, STATX_ALL, &x));
    SHOW(x.stx_size);
    SHOW(statx(fd, "", 0, STATX_ALL, &x));
    SHOW(statx(AT_FDCWD, "", AT_EMPTY_PATH, STATX_ALL, &x));
    IS(S_ISDIR(x.stx_mode));
    SHOW(statx(-1, "f", 0, STATX_ALL, &x));
    SHOW(statx(fd, "f", 0, STATX_ALL, &x));
    SHOW(statx(AT_FDCWD, "f", 0x800000, STATX_ALL, &x));
    SHOW(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_ALL, &x));
    SHOW(statx(AT_FDCWD, "f", 0, 0x80000000, &x));
    SHOW(statx(AT_FDCWD, "f", 0, STATX_ALL, BAD));
    SHOW(statx(AT_FDCWD, BAD, 0, STATX_ALL, &x));
    SHOW(statx(AT_FDCWD, "missing", 0, STATX_ALL, &x));
    return 0;
}
