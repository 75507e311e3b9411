/* mknod(2): files, pipes, sockets; no devices. */
#include "check.h"
int main(void)
{
    struct stat st;
    SHOW(mknod("plain", 0644, 0));
    SHOW(mknod("regular", S_IFREG | 0600, 0));
    SHOW(mknod("fifo", S_IFIFO | 0666, 0));
    SHOW(mknod("socket", S_IFSOCK | 0777, 0));
    SHOW(mknod("dir", S_IFDIR | 0777, 0));
    SHOW(mknod("fifo", S_IFIFO | 0666, 0));
    SHOW(mknod("x/fifo", S_IFIFO | 0666, 0));
    SHOW(mknod(BAD, S_IFIFO | 0666, 0));
    SHOW(mknodat(-1, "f", S_IFIFO | 0666, 0));
    SHOW(mknod("odd", 0170000, 0));
    const char *names[] = {"plain", "regular", "fifo", "socket"};
    for (int i = 0; i < 4; i++) {
        int result = stat(names[i], &st);
        printf("%s: %d %o\n", names[i], result, st.st_mode);
    }
    OK(open("socket", O_RDWR));
    return 0;
}
