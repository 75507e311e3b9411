/* openat2(2): how a walk is kept inside. */
#include "check.h"
#include <linux/openat2.h>
static int at2(int dir, const char *path, unsigned long flags, unsigned long mode, unsigned long resolve)
{
    struct open_how how = {flags, mode, resolve};
    return syscall(SYS_openat2, dir, path, &how, sizeof how);
}
int main(void)
{
    SHOW(mkdir("d", 0755));
    close(file_of("d/f", ""));
    close(file_of("outside", ""));
    SHOW(symlink("../outside", "d/up") | symlink("/w/outside", "d/abs") | symlink("f", "d/in"));
    int dir = open("d", O_RDONLY);
    OK(at2(dir, "f", O_RDONLY, 0, RESOLVE_BENEATH));
    OK(at2(dir, "in", O_RDONLY, 0, RESOLVE_BENEATH));
    OK(at2(dir, "up", O_RDONLY, 0, RESOLVE_BENEATH));
    OK(at2(dir, "abs", O_RDONLY, 0, RESOLVE_BENEATH));
    OK(at2(dir, "up", O_RDONLY, 0, RESOLVE_IN_ROOT));
    OK(at2(dir, "/f", O_RDONLY, 0, RESOLVE_IN_ROOT));
    OK(at2(dir, "in", O_RDONLY, 0, RESOLVE_NO_SYMLINKS));
    OK(at2(AT_FDCWD, "/proc/self/cwd", O_PATH, 0, RESOLVE_NO_MAGICLINKS));
    OK(at2(AT_FDCWD, "/proc/self", O_PATH, 0, RESOLVE_NO_XDEV));
    OK(at2(dir, "new", O_RDWR | O_CREAT, 0600, 0));
    OK(at2(dir, "f", O_RDONLY, 0600, 0));
    OK(at2(dir, "f", O_RDONLY | 1ul << 40, 0, 0));
    OK(at2(dir, "f", O_RDONLY, 0, 0x100));
    OK(syscall(SYS_openat2, dir, "f", &(struct open_how){0}, 8));
    OK(syscall(SYS_openat2, dir, "f", BAD, sizeof(struct open_how)));
    return 0;
}
