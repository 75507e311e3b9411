/* A memfd mapped twice, written through one view and run through the other: what JIT compilers do. */
#include "check.h"
typedef int (*function)(void);
int main(void)
{
    int fd = memfd_create("jit", MFD_CLOEXEC);
    SHOW(ftruncate(fd, 16 * PAGE));
    unsigned char *w, *x;
    OK(w = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    OK(x = mmap(NULL, 16 * PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0));
    for (int i = 0; i < 16; i++)
        memcpy(w + i * PAGE, (unsigned char[]){0xb8, i, 0, 0, 0, 0xc3}, 6);
    int sum = 0;
    for (int i = 0; i < 16; i++)
        sum += ((function)(x + i * PAGE))();
    SHOW(sum);
    w[1] = 100;
    SHOW(((function)x)());
    return 0;
}
