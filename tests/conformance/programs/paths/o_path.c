/* O_PATH: a place, not an open file. */
#include "check.h"
int main(void)
{
    struct stat st;
    char path[64], room[8];
    close(file_of("f", "hello"));
    SHOW(symlink("f", "l"));
    int fd;
    OK(fd = open("f", O_PATH));
    SHOW(fstat(fd, &st));
    SHOW(st.st_size);
    SHOW(read(fd, room, 1));
    SHOW(fchmod(fd, 0600));
    SHOW(fchown(fd, 0, 0));
    SHOW(ftruncate(fd, 0));
    SHOW(lseek(fd, 0, SEEK_SET));
    OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
    OK(dup(fd));
    sprintf(path, "/proc/self/fd/%d", fd);
    int again;
    OK(again = open(path, O_RDWR));
    SHOW(read(again, room, 5));
    OK(fd = open("l", O_PATH | O_NOFOLLOW));
    SHOW(fstat(fd, &st));
    IS(S_ISLNK(st.st_mode));
    OK(open("missing", O_PATH));
    return 0;
}
