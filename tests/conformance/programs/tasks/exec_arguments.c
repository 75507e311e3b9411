/* execve(2): arguments, environment, argv[0], empty ones. */
#include "check.h"
extern char **environ;
int main(int argc, char **argv)
{
    if (argc != 1 || strcmp(argv[0], "/progs/tasks-exec_arguments") != 0) {
        printf("argc %d\n", argc);
        for (int i = 0; i < argc; i++)
            printf("  argv[%d] = \"%s\"\n", i, argv[i]);
        for (char **e = environ; *e; e++)
            printf("  env %s\n", *e);
        IS((uintptr_t)__builtin_frame_address(0) % 16 == 0);
        return 0;
    }
    char exe[256] = "";
    SHOW(readlink("/proc/self/exe", exe, 255) > 0);
    char *lists[][4] = {{"other name", NULL}, {"a", "", "b c", NULL}, {"", NULL}, {"x", "\xff\n", NULL}};
    char *env[] = {"ONE=1", "EMPTY=", "no equals sign", NULL};
    for (size_t i = 0; i < COUNT(lists); i++) {
        pid_t pid = fork();
        if (pid == 0) {
            execve(exe, lists[i], env);
            _exit(99);
        }
        reap("program", pid);
    }
    pid_t pid = fork();
    if (pid == 0) {
        execve(exe, (char *[]){NULL}, (char *[]){NULL});
        _exit(99);
    }
    reap("without argv", pid);
    return 0;
}
