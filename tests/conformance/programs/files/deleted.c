/* A deleted file lives while it is open. */
#include "check.h"
int main(void)
{
    char room[16] = "", path[64], target[64] = "";
    struct stat st;
    int fd = file_of("f", "still here");
    SHOW(unlink("f"));
    SHOW(read(fd, room, 15));
    TEXT(room);
    SHOW((fstat(fd, &st), st.st_nlink));
    SHOW(ftruncate(fd, 3));
    sprintf(path, "/proc/self/fd/%d", fd);
    SHOW(readlink(path, target, 63));
    TEXT(target);
    int again;
    OK(again = open(path, O_RDONLY));
    memset(room, 0, sizeof room);
    SHOW(read(again, room, 15));
    TEXT(room);
    OK(open("f", O_RDONLY));
    return 0;
}
