/* MADV_DONTFORK is not in the child, MADV_WIPEONFORK is zeros there. */
#include "check.h"
static char *a, *b;
static void look(void)
{
    expected_address = a;
    FAULT((void)*(volatile char *)a);
    SHOW(b[0]);
}
int main(void)
{
    OK(a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    OK(b = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    a[0] = b[0] = 7;
    SHOW(madvise(a, PAGE, MADV_DONTFORK));
    SHOW(madvise(b, PAGE, MADV_WIPEONFORK));
    child(look);
    SHOW(a[0] + b[0]);
    return 0;
}
