/*
 * For the monitor, not for the guest: the host's clocks beside its TSC (time_page.py). Loaded with ctypes.
 */
#include <stdint.h>
#include <time.h>

#define TRIES 6 /* the quickest of them counts: it was not interrupted */

struct sample {
    uint64_t tsc;
    int64_t monotonic; /* ns at tsc */
    uint64_t raw_tsc;
    int64_t raw; /* CLOCK_MONOTONIC_RAW, ns at raw_tsc */
    int64_t realtime, boottime, tai; /* ns ahead of the monotonic clock */
};

uint64_t
wirt_cycles(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static int64_t
nanoseconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void
pair(clockid_t clock, uint64_t *tsc, int64_t *ns)
{
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        uint64_t before = wirt_cycles();
        int64_t read = nanoseconds(clock);
        uint64_t gap = wirt_cycles() - before;
        if (gap < best) {
            best = gap;
            *tsc = before + gap / 2;
            *ns = read;
        }
    }
}

static int64_t
ahead(clockid_t clock)
{
    int64_t best = INT64_MAX, result = 0;
    for (int i = 0; i < TRIES; i++) {
        int64_t before = nanoseconds(CLOCK_MONOTONIC);
        int64_t read = nanoseconds(clock);
        int64_t gap = nanoseconds(CLOCK_MONOTONIC) - before;
        if (gap < best) {
            best = gap;
            result = read - before - gap / 2;
        }
    }
    return result;
}

void
wirt_sample(struct sample *result)
{
    pair(CLOCK_MONOTONIC_RAW, &result->raw_tsc, &result->raw);
    result->realtime = ahead(CLOCK_REALTIME);
    result->boottime = ahead(CLOCK_BOOTTIME);
    result->tai = ahead(CLOCK_TAI);
    pair(CLOCK_MONOTONIC, &result->tsc, &result->monotonic); /* last: the freshest */
}
