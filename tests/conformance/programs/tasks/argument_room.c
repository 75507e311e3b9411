/* Arguments and variables of execve(2) may have a quarter of the stack's limit, 128 KiB at least and 6 MiB at most. */
#include "check.h"
#include <sys/resource.h>
static size_t total;
static char text[60001];
static char *words[130];

static void run(void)
{
    size_t count = 0;
    words[count++] = "done";
    for (size_t left = total; left > 0;) {
        size_t length = left < 60000 ? left : 60000;
        words[count++] = text + 60000 - length;
        left -= length;
    }
    words[count] = NULL;
    char *variables[] = {"A=1", NULL};
    execve("/proc/self/exe", words, variables);
    printf("%zu bytes: %s\n", total, strerrorname_np(errno));
}

static void with(rlim_t stack, size_t size)
{
    struct rlimit limit = {stack, RLIM_INFINITY};
    setrlimit(RLIMIT_STACK, &limit);
    total = size;
    printf("%zu:\n", size);
    child(run);
}

int main(int argc UNUSED, char **argv)
{
    if (strcmp(argv[0], "done") == 0)
        return 7;
    memset(text, 'x', 60000);
    with(1 << 20, 250000), with(1 << 20, 270000);
    with(300 << 10, 125000), with(300 << 10, 135000);
    with(8 << 20, 2080000), with(8 << 20, 2110000);
    with(64 << 20, 6280000), with(64 << 20, 6300000);
    return 0;
}
