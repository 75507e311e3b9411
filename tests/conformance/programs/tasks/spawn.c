/* posix_spawn(3): CLONE_VM|CLONE_VFORK, file actions, attributes, errors come back. */
#include "check.h"
#include <spawn.h>
extern char **environ;
int main(int argc, char **argv)
{
    if (argc > 1) {
        printf("argc %d, argv %s, pgrp own: %d\n", argc, argv[1], getpgrp() == getpid());
        return argc;
    }
    pid_t pid;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "out", O_WRONLY | O_CREAT, 0644);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    RC(posix_spawn(&pid, argv[0], &actions, &attributes, (char *[]){argv[0], "one", "two", NULL}, environ));
    reap("spawned", pid);
    show_file("out");
    RC(posix_spawn(&pid, "/missing", NULL, NULL, argv, environ));
    RC(posix_spawn(&pid, "/etc", NULL, NULL, argv, environ));
    SHOW(wait(NULL));
    SHOW(WEXITSTATUS(system("exit 3")));
    FILE *p = popen("echo from popen", "r");
    char line[64] = "";
    TEXT(fgets(line, 64, p));
    SHOW(pclose(p));
    return 0;
}
