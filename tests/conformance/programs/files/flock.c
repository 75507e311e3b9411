/* flock(2): between open files, converted, inherited; errors. */
#include "check.h"
#include <sys/file.h>
static int fd;
static void other(void)
{
    int mine = open("f", O_RDWR);
    SHOW(flock(mine, LOCK_EX | LOCK_NB));
    SHOW(flock(mine, LOCK_SH | LOCK_NB));
}
static void heir(void) { SHOW(flock(fd, LOCK_UN)); }
int main(void)
{
    fd = file_of("f", "");
    SHOW(flock(fd, LOCK_EX));
    child(other);
    SHOW(flock(fd, LOCK_SH));
    child(other);
    SHOW(flock(fd, LOCK_EX | LOCK_NB));
    child(heir);
    child(other);
    SHOW(flock(fd, 0));
    SHOW(flock(fd, LOCK_EX | 64));
    SHOW(flock(-1, LOCK_EX));
    SHOW(flock(open("f", O_RDONLY), LOCK_EX | LOCK_NB));
    return 0;
}
