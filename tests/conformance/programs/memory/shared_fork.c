/* MAP_SHARED and MAP_PRIVATE across fork(2). */
#include "check.h"
static int *shared, *private, *file;
static void change(void)
{
    *shared = 2, *private = 2, *file = 2;
    IS(*shared == 2 && *private == 2 && *file == 2);
}
int main(void)
{
    int fd = file_of("f", "....");
    OK(shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    OK(private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    OK(file = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    *shared = *private = *file = 1;
    child(change);
    SHOW(*shared);
    SHOW(*private);
    SHOW(*file);
    child(change);
    return 0;
}
