/* Instructions and data across page borders, where the second page is away. */
#include "check.h"
typedef int (*function)(void);
int main(void)
{
    unsigned char *a;
    OK(a = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    unsigned char *entry = a + PAGE - 3;
    memcpy(entry, (unsigned char[]){0xb8, 7, 0, 0, 0, 0xc3}, 6);
    SHOW(((function)entry)());
    SHOW(munmap(a + PAGE, PAGE));
    expected_address = a + PAGE;
    FAULT(((function)entry)());
    FAULT(*(volatile long *)(a + PAGE - 4) = 5);
    FAULT((void)*(volatile long *)(a + PAGE - 4));
    return 0;
}
