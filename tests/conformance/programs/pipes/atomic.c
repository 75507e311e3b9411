/* Writes of up to PIPE_BUF bytes are not torn. */
#include "check.h"
static int p[2];
static void writer(int letter)
{
    char line[512];
    memset(line, letter, sizeof line);
    for (int i = 0; i < 100; i++)
        (void)!write(p[1], line, sizeof line);
    _exit(0);
}
int main(void)
{
    char line[512];
    SHOW(pipe(p));
    for (int i = 0; i < 4; i++)
        if (fork() == 0)
            writer('a' + i);
    close(p[1]);
    int torn = 0, lines = 0;
    for (;;) {
        size_t got = 0;
        ssize_t n;
        while (got < sizeof line && (n = read(p[0], line + got, sizeof line - got)) > 0)
            got += n;
        if (got < sizeof line)
            break;
        lines++;
        for (size_t i = 1; i < sizeof line; i++)
            torn += line[i] != line[0];
    }
    SHOW(lines);
    SHOW(torn);
    while (wait(NULL) > 0)
        ;
    return 0;
}
