/* futex(2): wait and wake between threads, counts, values that changed. */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
static int word, asleep;
static int futex(int *at, int op, int value, void *timeout, int *second, int third) { return syscall(SYS_futex, at, op, value, timeout, second, third); }
static void *sleeper(void *unused UNUSED)
{
    __atomic_add_fetch(&asleep, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0)
        futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return NULL;
}
int main(void)
{
    pthread_t threads[3];
    SHOW(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, sleeper, NULL);
    while (__atomic_load_n(&asleep, __ATOMIC_SEQ_CST) < 3)
        milliseconds(1);
    __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
    IS(futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0) <= 3);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    SHOW(futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0));
    return 0;
}
