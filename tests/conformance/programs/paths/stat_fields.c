/* stat(2), lstat(2), fstat(2): what every kind of file looks like. */
#include "check.h"
#include <sys/socket.h>
#include <sys/un.h>
static void show(const char *name)
{
    struct stat st;
    memset(&st, 0xff, sizeof st);
    if (SHOW(lstat(name, &st)) == 0)
        printf("%s: mode %o links %lu uid %u gid %u size %ld block %ld\n", name, st.st_mode, (unsigned long)st.st_nlink,
               st.st_uid, st.st_gid, S_ISDIR(st.st_mode) ? -1 : (long)st.st_size, (long)st.st_blksize);
}
int main(void)
{
    struct stat a, b;
    struct sockaddr_un address = {AF_UNIX, "socket"};
    close(file_of("file", "hello"));
    SHOW(link("file", "hard"));
    SHOW(symlink("file", "soft"));
    SHOW(mkdir("dir", 0751));
    SHOW(mkfifo("fifo", 0620));
    SHOW(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, sizeof address));
    show("file");
    show("hard");
    show("soft");
    show("dir");
    show("fifo");
    show("socket");
    show("/dev/null");
    stat("soft", &a), stat("hard", &b);
    IS(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    lstat("soft", &b);
    IS(a.st_ino != b.st_ino);
    fstat(open("file", O_RDONLY), &b);
    IS(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    stat(".", &a), stat("dir/..", &b);
    IS(a.st_ino == b.st_ino);
    IS(labs(time(NULL) - a.st_mtime) < 60);
    int pipes[2];
    SHOW(pipe(pipes) | fstat(pipes[0], &a));
    HEX(a.st_mode);
    return 0;
}
