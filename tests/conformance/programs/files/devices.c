/* /dev/null, /dev/zero, /dev/full, /dev/urandom: what they read and take, and what they are. */
#include "check.h"
#include <sys/sysmacros.h>
static void show(const char *name)
{
    char room[64];
    struct stat st = {0};
    printf("-- %s\n", name);
    int fd = open(name, O_RDWR);
    memset(room, 1, sizeof room);
    SHOW(read(fd, room, 32));
    SHOW(room[0] != 0);
    SHOW(write(fd, "abc", 3));
    SHOW(fstat(fd, &st));
    IS(S_ISCHR(st.st_mode));
    printf("device %u:%u mode %o\n", major(st.st_rdev), minor(st.st_rdev), st.st_mode & 0777);
    SHOW(lseek(fd, 10, SEEK_SET));
    SHOW(ftruncate(fd, 0));
    close(fd);
}
int main(void)
{
    show("/dev/null");
    show("/dev/zero");
    show("/dev/full");
    char room[64] = {0};
    int fd = open("/dev/urandom", O_RDONLY), sum = 0;
    SHOW(read(fd, room, 64));
    for (int i = 0; i < 64; i++)
        sum |= room[i];
    IS(sum != 0);
    OK(open("/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600));
    OK(open("/dev/missing", O_RDWR));
    OK(open("/dev/tty", O_RDWR));
    char *zero = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, open("/dev/zero", O_RDWR), 0);
    IS(zero[100] == 0 && (zero[100] = 5) == 5);
    OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open("/dev/null", O_RDONLY), 0));
    return 0;
}
