/* mmap(2), anonymous: zeros, apart, gone after munmap(2). */
#include "check.h"
int main(void)
{
    char *a, *b;
    OK(a = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    OK(b = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 77, 12345 * PAGE));
    IS((uintptr_t)a % PAGE == 0 && a != b);
    IS(a[0] == 0 && a[3 * PAGE - 1] == 0 && b[PAGE - 1] == 0);
    memset(a, 'a', 3 * PAGE);
    SHOW(munmap(a + PAGE, PAGE));
    IS(a[0] == 'a' && a[2 * PAGE] == 'a');
    expected_address = a + PAGE + 5;
    FAULT(a[PAGE + 5] = 1);
    SHOW(munmap(a, 3 * PAGE));
    expected_address = a;
    FAULT((void)*(volatile char *)a);
    SHOW(munmap(a, 3 * PAGE));
    char *again;
    OK(again = mmap(a, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    IS(again == a);
    IS(again[0] == 0);
    return 0;
}
