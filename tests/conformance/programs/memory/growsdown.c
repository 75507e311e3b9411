/* MAP_GROWSDOWN grows to where it is touched next to it. */
#include "check.h"
int main(void)
{
    char *room, *stack;
    OK(room = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(munmap(room, 64 * PAGE));
    OK(stack = mmap(room + 60 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0));
    stack[0] = 1;
    expected_address = stack - 1;
    FAULT(stack[-1] = 2);
    return 0;
}
