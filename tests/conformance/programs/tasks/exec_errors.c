/* execve(2): errors, after which the caller goes on. */
#include "check.h"
#include <sys/resource.h>
static int put(const char *name, const char *text, int mode)
{
    int fd = file_of(name, text);
    fchmod(fd, mode);
    return close(fd);
}
static char *args[] = {"x", NULL};
int main(void)
{
    char name[300];
    memset(name, 'a', 299);
    name[299] = 0;
    put("text", "no program at all", 0755);
    put("plain", "#!/bin/sh\nexit 0\n", 0644);
    put("empty", "", 0755);
    put("lost", "#!/missing/interpreter\n", 0755);
    put("loop", "#!/w/loop\n", 0755);
    put("bare", "#!\n", 0755);
    put("elf", "\177ELF\2\1\1", 0755);
    put("elf32", "\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0\1\0\0\0", 0755);
    SHOW(symlink("self", "self"));
    SHOW(execve("text", args, NULL));
    SHOW(execve("plain", args, NULL));
    SHOW(execve("empty", args, NULL));
    SHOW(execve("lost", args, NULL));
    SHOW(execve("loop", args, NULL));
    SHOW(execve("bare", args, NULL));
    SHOW(execve("elf", args, NULL));
    SHOW(execve("elf32", args, NULL));
    SHOW(execve("missing", args, NULL));
    SHOW(execve("", args, NULL));
    SHOW(execve(".", args, NULL));
    SHOW(execve("text/x", args, NULL));
    SHOW(execve("self", args, NULL));
    SHOW(execve(name, args, NULL));
    SHOW(execve(BAD, args, NULL));
    SHOW(execve("/bin/busybox", BAD, NULL));
    SHOW(execve("/bin/busybox", (char *[]){BAD, NULL}, NULL));
    SHOW(execve("/bin/busybox", args, BAD));
    char *large = malloc(200000);
    memset(large, 'x', 199999);
    large[199999] = 0;
    SHOW(execve("/bin/busybox", (char *[]){"x", large, NULL}, NULL));
    return 0;
}
