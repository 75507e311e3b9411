/* chmod(2), fchmod(2), fchmodat(2): bits, set-id bits, errors. */
#include "check.h"
static void show(const char *name)
{
    struct stat st = {0};
    int result = stat(name, &st);
    printf("%s: %d mode %o\n", name, result, st.st_mode);
}
int main(void)
{
    int fd = file_of("f", ""), path = open("f", O_PATH);
    for (int mode = 0; mode <= 07777; mode = mode * 2 + 1) {
        if (chmod("f", mode))
            perror("chmod");
        show("f");
    }
    SHOW(fchmod(fd, 0640));
    show("f");
    SHOW(fchmod(path, 0600));
    SHOW(fchmod(-1, 0600));
    SHOW(chmod("missing", 0600));
    SHOW(chmod(BAD, 0600));
    SHOW(symlink("f", "l"));
    SHOW(chmod("l", 0604));
    show("f");
    SHOW(syscall(SYS_fchmodat, open(".", O_RDONLY), "f", 0711));
    show("f");
    SHOW(chmod("f", 04755));
    SHOW(write(fd, "x", 1));
    show("f");
    SHOW(chown("f", 1, 1));
    show("f");
    SHOW(mkdir("d", 0755) | chmod("d", 02775));
    SHOW(mkdir("d/e", 0755));
    show("d/e");
    return 0;
}
