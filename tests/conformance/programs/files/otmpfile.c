/* O_TMPFILE: a file without a name, which gets one through /proc/self/fd. */
#include "check.h"
int main(void)
{
    struct stat st;
    char path[64];
    int fd;
    OK(fd = open(".", O_TMPFILE | O_RDWR, 0640));
    if (fd < 0)
        return 0;
    SHOW(write(fd, "kept", 4));
    SHOW(fstat(fd, &st));
    SHOW(st.st_nlink);
    SHOW(st.st_mode & 0777);
    sprintf(path, "/proc/self/fd/%d", fd);
    SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    SHOW((fstat(fd, &st), st.st_nlink));
    show_file("named");
    OK(fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0640));
    sprintf(path, "/proc/self/fd/%d", fd);
    SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "never", AT_SYMLINK_FOLLOW));
    OK(open(".", O_TMPFILE | O_RDONLY, 0640));
    OK(open("named", O_TMPFILE | O_RDWR, 0640));
    return 0;
}
