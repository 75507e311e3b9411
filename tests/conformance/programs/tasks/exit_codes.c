/* _exit(2), exit(3), return: the low byte; atexit functions. */
#include "check.h"
static void code(void);
static int number;
static void code(void) { _exit(number); }
static void last(void) { puts("last words"); }
static void with_handlers(void) { atexit(last); exit(7); }
int main(void)
{
    int numbers[] = {0, 1, 127, 128, 255, 256, 257, -1, 1000};
    for (size_t i = 0; i < COUNT(numbers); i++) {
        number = numbers[i];
        child(code);
    }
    child(with_handlers);
    syscall(SYS_exit_group, 300);
    return 0;
}
