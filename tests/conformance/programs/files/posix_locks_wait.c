/* fcntl(2) F_SETLKW waits; two that wait for one another are found: EDEADLK. */
#include "check.h"
static int ready[2], go[2];
static struct flock lock(int type, off_t begin)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = begin, .l_len = 1};
}
static void second(void)
{
    int fd = open("f", O_RDWR);
    struct flock mine = lock(F_WRLCK, 1), his = lock(F_WRLCK, 0);
    fcntl(fd, F_SETLK, &mine);
    tell(ready);
    SHOW(fcntl(fd, F_SETLKW, &his));
}
int main(void)
{
    int fd = file_of("f", "");
    SHOW(pipe(ready));
    SHOW(pipe(go));
    struct flock mine = lock(F_WRLCK, 0), his = lock(F_WRLCK, 1);
    SHOW(fcntl(fd, F_SETLK, &mine));
    pid_t pid = start_aside(second);
    await(ready);
    until_asleep(pid);
    SHOW(fcntl(fd, F_SETLKW, &his));
    mine.l_type = F_UNLCK;
    SHOW(fcntl(fd, F_SETLK, &mine));
    reap_aside("second", pid);
    SHOW(fcntl(fd, F_SETLKW, &his));
    return 0;
}
