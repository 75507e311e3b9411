/* Starts, mixes integers through a table as often as it is told, ends. */
#include <stdio.h>
#include <stdlib.h>

static unsigned table[4096];

int main(int argc, char **argv)
{
    unsigned long mixed = 1;
    for (long left = argc > 1 ? atol(argv[1]) : 0; left; left--) {
        mixed = mixed * 6364136223846793005ul + 1442695040888963407ul;
        table[mixed >> 52] += (unsigned)mixed;
    }
    printf("%u\n", table[7]);
    return 0;
}
