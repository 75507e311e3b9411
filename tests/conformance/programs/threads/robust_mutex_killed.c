/* A robust mutex whose owner was killed: the kernel releases it all the same. */
#include "check.h"
#include <pthread.h>
static pthread_mutex_t *mutex;
static void killed(void) { pthread_mutex_lock(mutex); raise(SIGKILL); }
int main(void)
{
    pthread_mutexattr_t attributes;
    mutex = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    RC(pthread_mutex_init(mutex, &attributes));
    child(killed);
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec += 1;
    if (RC(pthread_mutex_timedlock(mutex, &soon)) != EOWNERDEAD)
        return 1;
    RC(pthread_mutex_unlock(mutex));
    RC(pthread_mutex_lock(mutex));
    return 0;
}
