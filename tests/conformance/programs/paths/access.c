/* access(2), faccessat2(2): as root, modes and flags. */
#include "check.h"
int main(void)
{
    close(file_of("f", ""));
    SHOW(access("f", F_OK));
    SHOW(access("f", R_OK | W_OK));
    SHOW(access("f", X_OK));
    SHOW(chmod("f", 0100));
    SHOW(access("f", R_OK | W_OK | X_OK));
    SHOW(access("f", 8));
    SHOW(access("f", -1));
    SHOW(access("missing", F_OK));
    SHOW(access("", F_OK));
    SHOW(access(BAD, F_OK));
    SHOW(symlink("missing", "dangling"));
    SHOW(access("dangling", F_OK));
    SHOW(syscall(SYS_faccessat2, AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW));
    SHOW(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, AT_EACCESS));
    SHOW(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, 0x10));
    SHOW(syscall(SYS_faccessat2, -1, "f", R_OK, 0));
    SHOW(faccessat(open(".", O_RDONLY), "f", F_OK, 0));
    SHOW(access("/dev/null", X_OK));
    return 0;
}
