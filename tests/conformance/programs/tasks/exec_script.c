/* #! lines: one argument, nesting, relative interpreters, no newline. */
#include "check.h"
static void put(const char *name, const char *text)
{
    int fd = file_of(name, text);
    fchmod(fd, 0755);
    close(fd);
}
static void run(const char *name)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl(name, "ignored", "a b", "c", NULL);
        printf("%s: %s\n", name, strerrorname_np(errno));
        _exit(1);
    }
    reap(name, pid);
}
int main(int argc, char **argv)
{
    if (argc > 1) {
        for (int i = 0; i < argc; i++)
            printf("  argv[%d] = \"%s\"\n", i, argv[i]);
        return 0;
    }
    char line[256];
    sprintf(line, "#!%s", argv[0]), put("no newline", line);
    sprintf(line, "#!%s one two  \n", argv[0]), put("one argument", line);
    sprintf(line, "#! \t %s\targ\t\nrest", argv[0]), put("blanks", line);
    put("nested", "#!/w/blanks inner\n");
    put("deeper", "#!nested\n");
    put("shell", "#!/bin/sh\necho shell \"$@\"; echo \"$0\"; exit 5\n");
    run("no newline");
    run("one argument");
    run("blanks");
    run("nested");
    run("deeper");
    run("/w/shell");
    run("./shell");
    return 0;
}
