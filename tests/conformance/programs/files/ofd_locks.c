/* fcntl(2) F_OFD_SETLK: locks of the open file, not of the process. */
#include "check.h"
static struct flock lock(int type) { return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 4}; }
int main(void)
{
    int one = file_of("f", "0123"), two = open("f", O_RDWR);
    struct flock a = lock(F_WRLCK), b = lock(F_WRLCK), probe = lock(F_RDLCK), pid = lock(F_WRLCK);
    SHOW(fcntl(one, F_OFD_SETLK, &a));
    SHOW(fcntl(two, F_OFD_SETLK, &b));
    SHOW(fcntl(two, F_OFD_GETLK, &probe));
    SHOW(probe.l_type);
    SHOW(probe.l_pid);
    SHOW(close(open("f", O_RDONLY)));
    SHOW(fcntl(two, F_OFD_SETLK, &b));
    pid.l_pid = 1;
    SHOW(fcntl(two, F_OFD_SETLK, &pid));
    SHOW(close(one));
    SHOW(fcntl(two, F_OFD_SETLKW, &b));
    return 0;
}
