/* Many and long arguments: up to 128 KiB each, a quarter of the stack in all. */
#include "check.h"
#include <sys/resource.h>
static int run(char *exe, int count, size_t length)
{
    char **args = calloc(count + 3, sizeof *args), *text = malloc(length + 1);
    memset(text, 'y', length);
    text[length] = 0;
    args[0] = exe, args[1] = "count";
    for (int i = 0; i < count; i++)
        args[i + 2] = text;
    pid_t pid = fork();
    if (pid == 0) {
        execv(exe, args);
        printf("%s\n", strerrorname_np(errno));
        _exit(1);
    }
    return reap("program", pid);
}
int main(int argc, char **argv)
{
    if (argc > 1) {
        printf("%d arguments of %zu\n", argc - 2, strlen(argv[2]));
        return argv[argc] != NULL;
    }
    run(argv[0], 5000, 10);
    run(argv[0], 3, 131071);
    run(argv[0], 1, 131072);
    run(argv[0], 10, 100000);
    run(argv[0], 30, 100000);
    run(argv[0], 20000, 50);
    return 0;
}
