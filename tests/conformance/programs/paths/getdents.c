/* getdents64(2): all names once, types, small buffers, errors. */
#include "check.h"
#include <dirent.h>
static int compare(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }
int main(void)
{
    char *names[64], room[4096];
    int n = 0, fd = file_of("file", "");
    SHOW(mkdir("dir", 0755) | symlink("x", "link") | mkfifo("fifo", 0600));
    for (int i = 0; i < 5; i++)
        sprintf(room, "n%d", i), close(file_of(room, ""));
    DIR *dir = opendir(".");
    for (struct dirent *e; (e = readdir(dir));) {
        sprintf(room, "%s type %d", e->d_name, e->d_type);
        names[n++] = strdup(room);
    }
    qsort(names, n, sizeof *names, compare);
    for (int i = 0; i < n; i++)
        puts(names[i]);
    SHOW(syscall(SYS_getdents64, dirfd(dir), room, sizeof room));
    rewinddir(dir);
    int again = 0;
    while (readdir(dir))
        again++;
    IS(again == n);
    int raw = open(".", O_RDONLY);
    SHOW(syscall(SYS_getdents64, raw, room, 8));
    SHOW(syscall(SYS_getdents64, raw, BAD, 4096));
    SHOW(syscall(SYS_getdents64, fd, room, 4096));
    SHOW(syscall(SYS_getdents64, -1, room, 4096));
    SHOW(syscall(SYS_getdents64, open(".", O_PATH), room, 4096));
    int total = 0;
    for (long got; (got = syscall(SYS_getdents64, raw, room, 64)) > 0;)
        for (long at = 0; at < got; at += ((struct dirent64 *)(room + at))->d_reclen)
            total++;
    IS(total == n);
    return 0;
}
