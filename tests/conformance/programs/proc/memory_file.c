/* /proc/self/mem and /proc/PID/mem. */
#include "check.h"
static char text[] = "in memory";
int main(void)
{
    char room[16] = "";
    int fd;
    OK(fd = open("/proc/self/mem", O_RDWR));
    SHOW(pread(fd, room, 9, (uintptr_t)text));
    TEXT(room);
    SHOW(pwrite(fd, "IN", 2, (uintptr_t)text));
    TEXT(text);
    SHOW(pread(fd, room, 9, 8));
    return 0;
}
