/* The calls that came before those with a folder, as nobody's library makes them any more: open, stat, getdents, utime ... */
#include "check.h"
#include <sys/sysmacros.h>
#include <utime.h>
#define RAW(name, ...) syscall(SYS_##name, __VA_ARGS__)
static struct stat st;
static void about(const char *what)
{
    printf("%s: mode %o links %d size %ld atime %ld mtime %ld.%06ld\n", what, st.st_mode, (int)st.st_nlink, (long)st.st_size,
           (long)st.st_atime, (long)st.st_mtime, st.st_mtim.tv_nsec / 1000);
}
struct old_entry { unsigned long inode, offset; unsigned short length; char name[]; };
static void list(int fd)
{
    char room[2048];
    long got = SHOW(RAW(getdents, fd, room, sizeof room) > 0) ? 0 : 0;
    lseek(fd, 0, SEEK_SET);
    got = RAW(getdents, fd, room, sizeof room);
    for (long at = 0; at < got;) {
        struct old_entry *e = (void *)(room + at);
        if (strcmp(e->name, "only") == 0)
            printf("entry %s type %d\n", e->name, room[at + e->length - 1]);
        at += e->length;
    }
    SHOW(RAW(getdents, fd, room, sizeof room));
}
int main(void)
{
    int fd, dir;
    umask(027);
    SHOW(fd = RAW(creat, "f", 0666));
    SHOW(RAW(creat, "missing/f", 0666));
    SHOW(RAW(creat, BAD, 0666));
    SHOW(write(fd, "12345", 5));
    SHOW(RAW(open, "f", O_RDONLY, 0));
    SHOW(RAW(open, "missing", O_RDONLY, 0));
    SHOW(RAW(open, BAD, O_RDONLY, 0));
    SHOW(RAW(utime, "f", &((struct utimbuf){1000, 2000})));
    SHOW(RAW(stat, "f", &st));
    about("utime");
    SHOW(RAW(utimes, "f", ((struct timeval[]){{3000, 1}, {4000, 250000}})));
    SHOW(RAW(lstat, "f", &st));
    about("utimes");
    SHOW(RAW(futimesat, AT_FDCWD, "f", ((struct timeval[]){{5000, 1}, {6000, 999999}})));
    SHOW(RAW(fstat, fd, &st));
    about("futimesat");
    SHOW(RAW(utimes, "f", ((struct timeval[]){{3000, 1}, {4000, 1000000}})));
    SHOW(RAW(futimesat, AT_FDCWD, "f", ((struct timeval[]){{3000, -1}, {4000, 0}})));
    SHOW(RAW(utime, "missing", NULL));
    SHOW(RAW(utime, "f", BAD));
    SHOW(RAW(utime, "f", NULL));
    SHOW(RAW(stat, "missing", &st));
    SHOW(RAW(stat, "f", BAD));
    SHOW(RAW(lstat, "f/x", &st));
    SHOW(RAW(fstat, 99, &st));
    SHOW(RAW(fstat, fd, BAD));
    SHOW(RAW(mknod, "fifo", S_IFIFO | 0666, 0));
    SHOW(RAW(mknod, "fifo", S_IFIFO | 0666, 0));
    SHOW(RAW(mknod, "plain", S_IFREG | 0666, 0));
    SHOW(RAW(mknod, "plain/x", S_IFREG | 0666, 0));
    SHOW(mkdir("d", 0777));
    close(open("d/only", O_CREAT | O_WRONLY, 0644));
    dir = open("d", O_RDONLY);
    list(dir);
    SHOW(RAW(getdents, dir, BAD, 0));
    SHOW(RAW(getdents, fd, &st, sizeof st));
    SHOW(RAW(getdents, 99, &st, sizeof st));
    SHOW(RAW(faccessat, dir, "only", R_OK));
    SHOW(RAW(faccessat, dir, "missing", R_OK));
    SHOW(RAW(faccessat, dir, "only", 8));
    SHOW(RAW(fchmodat, dir, "only", 0751));
    SHOW(RAW(fchmodat, dir, "missing", 0751));
    SHOW(RAW(lchown, "d/only", 7, 8));
    SHOW(RAW(lchown, "missing", 7, 8));
    SHOW(RAW(symlinkat, "only", dir, "link"));
    SHOW(RAW(symlinkat, "only", dir, "link"));
    SHOW(RAW(symlinkat, "", dir, "empty"));
    SHOW(syscall(452, dir, "only", 0640, 0));
    SHOW(syscall(452, dir, "link", 0600, AT_SYMLINK_NOFOLLOW));
    SHOW(syscall(452, dir, "", 0600, AT_EMPTY_PATH));
    SHOW(syscall(452, dir, "only", 0600, 1));
    SHOW(syscall(452, dir, "missing", 0600, 0));
    SHOW(RAW(stat, "d/only", &st));
    printf("%o %d %d\n", st.st_mode, st.st_uid, st.st_gid);
    SHOW(RAW(fdatasync, fd));
    SHOW(RAW(fdatasync, 99));
    int ends[2];
    SHOW(RAW(pipe, ends));
    SHOW(RAW(pipe, BAD));
    SHOW(RAW(fdatasync, ends[0]));
    RAW(sync, 0);
    return 0;
}
