/* SIGFPE from unmasked floating-point exceptions. */
#include "check.h"
#include <fenv.h>
static volatile double zero, one = 1, huge = 1e308;
int main(void)
{
    feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
    volatile double r;
    watch_faults();
    for (int i = 0; i < 3; i++) {
        if (sigsetjmp(check_before, 1) == 0) {
            if (i == 0)
                r = one / zero;
            else if (i == 1)
                r = zero / zero;
            else
                r = huge * huge;
            printf("result %d\n", r == 0);
        } else
            puts(fault_code(check_info.si_signo, check_info.si_code));
        feclearexcept(FE_ALL_EXCEPT);
        feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
    }
    return 0;
}
