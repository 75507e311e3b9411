/* execveat(2): by descriptor, relative, close-on-exec with a script; errors. */
#include "check.h"
static int at(int fd, const char *path, int flags)
{
    char *args[] = {"program", "again", NULL}, *env[] = {NULL};
    pid_t pid = fork();
    if (pid == 0) {
        syscall(SYS_execveat, fd, path, args, env, flags);
        printf("%s\n", strerrorname_np(errno));
        _exit(1);
    }
    return reap(path, pid);
}
int main(int argc, char **argv)
{
    if (argc > 1) {
        puts("running");
        return 8;
    }
    int exe = open(argv[0], O_RDONLY | O_CLOEXEC), dir = open("/progs", O_PATH);
    at(exe, "", AT_EMPTY_PATH);
    at(exe, "", 0);
    at(dir, strrchr(argv[0], '/') + 1, 0);
    at(-1, argv[0], 0);
    at(-1, "x", 0);
    at(exe, "x", 0);
    at(dir, "missing", 0);
    at(exe, "", 0x8);
    SHOW(symlink(argv[0], "link"));
    at(AT_FDCWD, "link", 0);
    at(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW);
    int script = file_of("script", "#!/bin/busybox true\n");
    fchmod(script, 0755);
    close(script);
    at(open("script", O_RDONLY), "", AT_EMPTY_PATH);
    at(open("script", O_RDONLY | O_CLOEXEC), "", AT_EMPTY_PATH);
    return 0;
}
