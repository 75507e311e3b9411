/* stat(2) and relatives: errors. */
#include "check.h"
int main(void)
{
    struct stat st;
    int fd = file_of("f", "");
    SHOW(stat("missing", &st));
    SHOW(stat("", &st));
    SHOW(stat("f/", &st));
    SHOW(stat("f/.", &st));
    SHOW(stat("f/x", &st));
    SHOW(stat(BAD, &st));
    SHOW(stat(KERNEL, &st));
    SHOW(stat("f", BAD));
    SHOW(stat("f", KERNEL));
    SHOW(fstat(-1, &st));
    SHOW(fstat(500, &st));
    SHOW(fstat(fd, BAD));
    SHOW(lstat("missing/x", &st));
    SHOW(syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH));
    SHOW(syscall(SYS_newfstatat, fd, "", &st, 0));
    SHOW(syscall(SYS_newfstatat, fd, "x", &st, 0));
    SHOW(syscall(SYS_newfstatat, AT_FDCWD, "f", &st, 0x80000));
    SHOW(syscall(SYS_newfstatat, 333, "f", &st, 0));
    SHOW(syscall(SYS_newfstatat, 333, "/w/f", &st, 0));
    return 0;
}
