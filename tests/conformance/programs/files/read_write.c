/* read(2), write(2): the file position, short reads, the end of the file. */
#include "check.h"
int main(void)
{
    char room[64] = "";
    int fd = file_of("f", "The quick brown fox");
    SHOW(read(fd, room, 9));
    TEXT(room);
    SHOW(write(fd, " BLACK", 6));
    SHOW(lseek(fd, 0, SEEK_CUR));
    memset(room, 0, sizeof room);
    SHOW(read(fd, room, 60));
    TEXT(room);
    SHOW(read(fd, room, 60));
    SHOW(read(fd, room, 0));
    SHOW(write(fd, room, 0));
    SHOW(lseek(fd, 5, SEEK_END));
    SHOW(read(fd, room, 1));
    SHOW(write(fd, "end", 3));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(lseek(fd, 18, SEEK_SET));
    memset(room, 'x', sizeof room);
    SHOW(read(fd, room, 60));
    IS(room[0] == 'x' && room[1] == 0 && room[5] == 0 && room[6] == 'e');
    show_file("f");
    return 0;
}
