/* A pipeline of ten processes that pass a megabyte on. */
#include "check.h"
int main(void)
{
    int in = -1, first[2];
    SHOW(pipe(first));
    in = first[0];
    for (int i = 0; i < 10; i++) {
        int p[2];
        if (pipe(p))
            return 1;
        if (fork() == 0) {
            static char room[65536];
            close(first[1]), close(p[0]);
            for (ssize_t n; (n = read(in, room, sizeof room)) > 0;) {
                for (ssize_t j = 0; j < n; j++)
                    room[j]++;
                for (ssize_t at = 0, w; at < n && (w = write(p[1], room + at, n - at)) > 0; at += w)
                    ;
            }
            _exit(0);
        }
        close(in), close(p[1]);
        in = p[0];
    }
    if (fork() == 0) {
        static char room[1 << 20];
        close(in);
        (void)!write(first[1], room, sizeof room);
        _exit(0);
    }
    close(first[1]);
    long total = 0, wrong = 0;
    char room[4096];
    for (ssize_t n; (n = read(in, room, sizeof room)) > 0; total += n)
        for (ssize_t j = 0; j < n; j++)
            wrong += room[j] != 10;
    SHOW(total);
    SHOW(wrong);
    while (wait(NULL) > 0)
        ;
    return 0;
}
