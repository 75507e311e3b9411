/* Set-user-id programs, from a process that may gain nothing, and a user who runs them. */
#include "check.h"
static void runs(const char *self)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (setgid(1000) || setuid(1000))
            _exit(9);
        execl("copy", "copy", "again", NULL);
        _exit(8);
    }
    (void)self;
    reap("copy", pid);
}
int main(int argc, char **argv)
{
    char room[65536];
    if (argc > 1) {
        printf("uid %d euid %d\n", getuid(), geteuid());
        return 0;
    }
    int in = open(argv[0], O_RDONLY), out = open("copy", O_WRONLY | O_CREAT, 0755);
    for (ssize_t n; (n = read(in, room, sizeof room)) > 0;)
        (void)!write(out, room, n);
    close(out);
    SHOW(chmod("copy", 0755));
    runs(argv[0]);
    SHOW(chmod("copy", 0700));
    runs(argv[0]);
    SHOW(unlink("copy"));
    return 0;
}
