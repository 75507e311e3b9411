/* abort(3), assert(3), __builtin_trap, stack protector: how programs end themselves. */
#include "check.h"
#include <assert.h>
static void aborts(void) { abort(); }
static void handler(int n) { printf("  caught %s\n", signal_name(n)); }
static void aborts_anyway(void) { signal(SIGABRT, handler); abort(); }
static void asserts(void) { (void)!freopen("/dev/null", "w", stderr); assert(getpid() == 0); }
static void traps(void) { __builtin_trap(); }
int main(void)
{
    child(aborts);
    child(aborts_anyway);
    child(asserts);
    child(traps);
    return 0;
}
