/* getrandom(2). */
#include "check.h"
#include <sys/random.h>
int main(void)
{
    unsigned char a[64] = {0}, b[64] = {0};
    SHOW(getrandom(a, 64, 0));
    SHOW(getrandom(b, 64, GRND_NONBLOCK));
    IS(memcmp(a, b, 64) != 0);
    SHOW(getrandom(a, 16, GRND_RANDOM));
    SHOW(getrandom(a, 16, 0x100));
    SHOW(getrandom(BAD, 16, 0));
    SHOW(getrandom(a, 0, 0));
    SHOW(getentropy(a, 32));
    SHOW(getentropy(a, 300));
    static char large[1 << 20];
    SHOW(getrandom(large, sizeof large, 0));
    return 0;
}
