/* O_APPEND: several processes write whole lines at the end. */
#include "check.h"
static void writer(void)
{
    int fd = open("log", O_WRONLY | O_APPEND);
    for (int i = 0; i < 100; i++)
        (void)!write(fd, "0123456789abcde\n", 16);
}
int main(void)
{
    close(file_of("log", ""));
    pid_t pids[4];
    for (int i = 0; i < 4; i++)
        pids[i] = start(writer);
    for (int i = 0; i < 4; i++)
        reap("writer", pids[i]);
    FILE *log = fopen("log", "r");
    char line[64];
    int good = 0;
    while (fgets(line, sizeof line, log))
        good += strcmp(line, "0123456789abcde\n") == 0;
    SHOW(good);
    return 0;
}
