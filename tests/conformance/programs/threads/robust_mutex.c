/* A robust mutex whose owner died, in a thread and in another process. */
#include "check.h"
#include <pthread.h>
static pthread_mutex_t *mutex;
static void *dies(void *unused UNUSED)
{
    pthread_mutex_lock(mutex);
    return NULL;
}
static void process(void) { pthread_mutex_lock(mutex); _exit(4); }
int main(void)
{
    pthread_mutexattr_t attributes;
    mutex = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    RC(pthread_mutex_init(mutex, &attributes));
    pthread_t thread;
    pthread_create(&thread, NULL, dies, NULL);
    pthread_join(thread, NULL);
    RC(pthread_mutex_lock(mutex));
    RC(pthread_mutex_consistent(mutex));
    RC(pthread_mutex_unlock(mutex));
    child(process);
    RC(pthread_mutex_lock(mutex));
    RC(pthread_mutex_consistent(mutex));
    RC(pthread_mutex_unlock(mutex));
    RC(pthread_mutex_lock(mutex));
    RC(pthread_mutex_unlock(mutex));
    return 0;
}
