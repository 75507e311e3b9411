/* Floating-point exceptions that are masked leave their flags, fetestexcept(3); rounding is what was asked for. */
#include "check.h"
#include <fenv.h>
#include <math.h>
static volatile double zero, one = 1, huge = 1e308, tiny = 1e-308, result;
#define RAISED(expression)              \
    do {                                \
        feclearexcept(FE_ALL_EXCEPT);   \
        result = (expression);          \
        HEX(fetestexcept(FE_ALL_EXCEPT)); \
    } while (0)
int main(void)
{
    RAISED(one + one);
    RAISED(one / zero);
    RAISED(zero / zero);
    RAISED(huge * huge);
    RAISED(tiny * tiny);
    RAISED(one / 3);
    RAISED(sqrt(-one));
    RAISED((double)lrint(huge));
    for (int i = 0; i < 4; i++) {
        fesetround((int[]){FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}[i]);
        result = one / 3;
        printf("%a\n", result);
    }
    return 0;
}
