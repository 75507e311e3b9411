/* mincore(2): what is touched is there; errors. */
#include "check.h"
int main(void)
{
    unsigned char there[4] = {0};
    char *a;
    OK(a = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memset(a, 1, 4 * PAGE);
    SHOW(mincore(a, 4 * PAGE, there));
    SHOW((there[0] & there[1] & there[2] & there[3]) & 1);
    SHOW(mincore(a + 1, PAGE, there));
    SHOW(mincore(a, 4 * PAGE, BAD));
    SHOW(munmap(a + PAGE, PAGE));
    SHOW(mincore(a, 4 * PAGE, there));
    SHOW(mincore(KERNEL, PAGE, there));
    SHOW(mincore(a, 0, there));
    return 0;
}
