/* utimensat(2), utimes(2), utime(2): times to the nanosecond, UTIME_NOW and UTIME_OMIT, errors. */
#include "check.h"
#include <utime.h>
static void show(const char *name)
{
    struct stat st;
    lstat(name, &st);
    printf("%s: atime %ld.%09ld mtime %ld.%09ld\n", name, st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}
int main(void)
{
    struct stat st;
    int fd = file_of("f", "");
    SHOW(symlink("f", "l"));
    SHOW(utimensat(AT_FDCWD, "f", (struct timespec[]){{1, 2}, {3, 999999999}}, 0));
    show("f");
    SHOW(utimensat(AT_FDCWD, "f", (struct timespec[]){{0, UTIME_OMIT}, {5, 6}}, 0));
    show("f");
    SHOW(futimens(fd, (struct timespec[]){{7, 8}, {0, UTIME_OMIT}}));
    show("f");
    SHOW(utimensat(AT_FDCWD, "l", (struct timespec[]){{10, 0}, {11, 0}}, AT_SYMLINK_NOFOLLOW));
    show("l");
    show("f");
    SHOW(utimes("f", (struct timeval[]){{12, 13}, {14, 15}}));
    show("f");
    SHOW(utime("f", &(struct utimbuf){16, 17}));
    show("f");
    SHOW(utimensat(AT_FDCWD, "f", (struct timespec[]){{-100, 0}, {1l << 33, 0}}, 0));
    show("f");
    SHOW(utimensat(AT_FDCWD, "f", NULL, 0));
    stat("f", &st);
    IS(labs(time(NULL) - st.st_mtime) < 60);
    SHOW(utimensat(AT_FDCWD, "f", (struct timespec[]){{1, 1000000000}, {3, 0}}, 0));
    SHOW(utimensat(AT_FDCWD, "f", BAD, 0));
    SHOW(utimensat(AT_FDCWD, "missing", NULL, 0));
    SHOW(utimensat(AT_FDCWD, "f", NULL, 0x1));
    SHOW(utimensat(-1, "f", NULL, 0));
    SHOW(futimens(-1, NULL));
    return 0;
}
