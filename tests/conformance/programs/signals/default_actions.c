/* What every signal does to a process without a handler. */
#include "check.h"
static int number;
static void receive(void)
{
    signal(number, SIG_DFL);
    raise(number);
    _exit(0);
}
int main(void)
{
    for (number = 1; number < SIGRTMAX; number++) {
        if (number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU || number == 32 || number == 33)
            continue;
        printf("%d ", number);
        child(receive);
    }
    return 0;
}
