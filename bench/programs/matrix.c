/*
 * Multiplies matrices with vectors of 256 bits (AVX), and prints the milliseconds of the fastest time. Static; compiled
 * with -O2 -mavx.
 */
#include <stdio.h>
#include <time.h>

enum { SIDE = 256, ROUNDS = 8 };
typedef double vector __attribute__((vector_size(32)));

static double left[SIDE][SIDE];
static vector right[SIDE][SIDE / 4], result[SIDE][SIDE / 4];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void multiply(void)
{
    for (int row = 0; row < SIDE; row++)
        for (int k = 0; k < SIDE; k++) {
            vector factor = {left[row][k], left[row][k], left[row][k], left[row][k]};
            for (int column = 0; column < SIDE / 4; column++)
                result[row][column] += factor * right[k][column];
        }
}

int main(void)
{
    double best = 1e9;
    for (int row = 0; row < SIDE; row++)
        for (int column = 0; column < SIDE; column++) {
            left[row][column] = row + column;
            right[row][column / 4][column % 4] = row - column;
        }
    for (int round = 0; round < ROUNDS; round++) {
        double start = now();
        multiply();
        best = now() - start < best ? now() - start : best;
    }
    printf("%.2f\n", result[SIDE - 1][0][0] > 0 ? best : -best);
    return 0;
}
