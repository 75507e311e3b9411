/* shm_open(3): two processes over /dev/shm. */
#include "check.h"
static void other(void)
{
    int fd;
    OK(fd = shm_open("/area", O_RDWR, 0));
    char *a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    TEXT(a);
    strcpy(a, "changed");
}
int main(void)
{
    int fd;
    OK(fd = shm_open("/area", O_RDWR | O_CREAT | O_EXCL, 0600));
    SHOW(ftruncate(fd, PAGE));
    char *a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    strcpy(a, "hello");
    child(other);
    TEXT(a);
    SHOW(shm_unlink("/area"));
    OK(shm_open("/area", O_RDWR, 0));
    TEXT(a);
    return 0;
}
