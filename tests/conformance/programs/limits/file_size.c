/* RLIMIT_FSIZE: EFBIG and SIGXFSZ. */
#include "check.h"
#include <sys/resource.h>
static int fd;
static void dies(void) { (void)!pwrite(fd, "x", 1, 2000); puts("never"); }
int main(void)
{
    struct rlimit limit = {1000, 1000};
    static char room[2000];
    fd = file_of("f", "");
    SHOW(setrlimit(RLIMIT_FSIZE, &limit));
    SHOW(write(fd, room, sizeof room));
    child(dies);
    signal(SIGXFSZ, SIG_IGN);
    SHOW(write(fd, room, 1));
    SHOW(ftruncate(fd, 2000));
    SHOW(ftruncate(fd, 500));
    SHOW(fallocate(fd, 0, 0, 2000));
    return 0;
}
