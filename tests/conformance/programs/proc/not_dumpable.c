/* A process that may not be dumped: what it reads of itself, and that it goes on. @user 1000 */
#include "check.h"
#include <sys/prctl.h>
static void look(const char *what)
{
    char text[64];
    puts(what);
    static const char *const names[] = {"stat", "status", "maps", "cmdline", "limits", "fd/1", "comm"};
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(text, sizeof text, "/proc/self/%s", names[i]);
        int fd = open(text, O_RDONLY | O_NONBLOCK);
        printf("%s: %s\n", names[i], fd < 0 ? strerrorname_np(errno) : "open");
        close(fd);
    }
    IS(readlink("/proc/self/exe", text, sizeof text) > 0);
    IS(readlink("/proc/self/cwd", text, sizeof text) > 0);
}
static void heir(void)
{
    SHOW(prctl(PR_GET_DUMPABLE));
}
int main(int argc, char **argv)
{
    SHOW(prctl(PR_GET_DUMPABLE));
    if (argc > 1)
        return 0;
    SHOW(prctl(PR_SET_DUMPABLE, 2));
    SHOW(prctl(PR_SET_DUMPABLE, 0));
    SHOW(prctl(PR_GET_DUMPABLE));
    look("not dumpable");
    child(heir);
    pid_t pid = fork();
    if (!pid) {
        execl(argv[0], argv[0], "again", NULL);
        _exit(9);
    }
    reap("again", pid);
    SHOW(prctl(PR_SET_DUMPABLE, 1));
    look("dumpable");
    return 0;
}
