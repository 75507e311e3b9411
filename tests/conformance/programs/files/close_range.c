/* close_range(2): ranges, close-on-exec instead, errors. */
#include "check.h"
#include <linux/close_range.h>
int main(void)
{
    for (int i = 3; i < 12; i++)
        dup2(1, i);
    SHOW(close_range(4, 6, 0));
    SHOW(fcntl(3, F_GETFD));
    SHOW(fcntl(4, F_GETFD));
    SHOW(fcntl(6, F_GETFD));
    SHOW(fcntl(7, F_GETFD));
    SHOW(close_range(8, 9, CLOSE_RANGE_CLOEXEC));
    SHOW(fcntl(8, F_GETFD));
    SHOW(fcntl(10, F_GETFD));
    SHOW(close_range(6, 5, 0));
    SHOW(close_range(3, 4, 0x80));
    SHOW(close_range(3, ~0u, 0));
    SHOW(fcntl(10, F_GETFD));
    SHOW(fcntl(2, F_GETFD));
    SHOW(dup(1));
    return 0;
}
