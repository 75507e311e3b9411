/* SIGRTMAX is a signal like all others. */
#include "check.h"
static void receive(void) { raise(SIGRTMAX); }
int main(void)
{
    child(receive);
    return 0;
}
