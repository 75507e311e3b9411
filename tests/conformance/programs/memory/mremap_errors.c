/* mremap(2): errors; old size zero makes a second view of shared memory. */
#include "check.h"
int main(void)
{
    char *a, *b;
    OK(a = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    OK(mremap(a + 1, PAGE, PAGE, 0));
    OK(mremap(a, PAGE, 0, 0));
    OK(mremap(a, PAGE, PAGE, 0x40));
    OK(mremap(a, PAGE, PAGE, MREMAP_FIXED, a + PAGE));
    OK(mremap(a, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, a + 1));
    OK(mremap(a, 4 * PAGE, 4 * PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, a + PAGE));
    SHOW(munmap(a + 2 * PAGE, PAGE));
    OK(mremap(a + 2 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
    OK(mremap(a + PAGE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE));
    OK(mremap(a, 0, PAGE, MREMAP_MAYMOVE));
    OK(a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    OK(b = mremap(a, 0, PAGE, MREMAP_MAYMOVE));
    a[0] = 77;
    SHOW(b != MAP_FAILED ? b[0] : -1);
    return 0;
}
