/* MAP_POPULATE, MAP_STACK, MAP_HUGETLB, MAP_LOCKED and other hints. */
#include "check.h"
int main(void)
{
    char *a;
    OK(a = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
    a[63 * PAGE] = 1;
    OK(a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0));
    a[0] = 1;
    OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file_of("f", "x"), 0));
    OK(a = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(madvise(a, 4 << 20, MADV_HUGEPAGE) == 0 || errno == EINVAL);
    memset(a, 5, 4 << 20);
    SHOW(munmap(a + PAGE, 2 << 20));
    SHOW(a[(3 << 20) - 1] + a[0]);
    return 0;
}
