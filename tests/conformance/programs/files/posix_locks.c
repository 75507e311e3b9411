/* fcntl(2) F_SETLK: ranges, conflicts, F_GETLK, released by any close and by death. */
#include "check.h"
static struct flock lock(int type, off_t begin, off_t length)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = begin, .l_len = length};
}
static void other(void)
{
    int fd = open("f", O_RDWR);
    struct flock a = lock(F_WRLCK, 0, 10), b = lock(F_WRLCK, 20, 10), c = lock(F_RDLCK, 40, 10);
    SHOW(fcntl(fd, F_SETLK, &a));
    SHOW(fcntl(fd, F_SETLK, &b));
    SHOW(fcntl(fd, F_SETLK, &c));
    a = lock(F_WRLCK, 0, 0);
    SHOW(fcntl(fd, F_GETLK, &a));
    IS(a.l_pid == getppid());
    printf("type %d from %ld length %ld\n", a.l_type, (long)a.l_start, (long)a.l_len);
}
int main(void)
{
    int fd = file_of("f", "");
    struct flock a = lock(F_WRLCK, 5, 10), b = lock(F_RDLCK, 40, 5), none = lock(F_UNLCK, 8, 2), odd = lock(77, 0, 1);
    struct flock negative = lock(F_WRLCK, -5, 2);
    SHOW(fcntl(fd, F_SETLK, &a));
    SHOW(fcntl(fd, F_SETLK, &b));
    SHOW(fcntl(fd, F_SETLK, &none));
    child(other);
    SHOW(close(open("f", O_RDONLY)));
    child(other);
    SHOW(fcntl(fd, F_SETLK, &odd));
    SHOW(fcntl(fd, F_SETLK, &negative));
    SHOW(fcntl(-1, F_SETLK, &a));
    SHOW(fcntl(open("f", O_RDONLY), F_SETLK, &a));
    SHOW(fcntl(fd, F_SETLK, BAD));
    return 0;
}
