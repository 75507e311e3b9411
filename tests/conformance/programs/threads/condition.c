/* Condition variables: a queue between threads, broadcasts, timeouts. */
#include "check.h"
#include <pthread.h>
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int queue[8], in, out, total, waiting, released;
static void *consumer(void *unused UNUSED)
{
    for (;;) {
        pthread_mutex_lock(&mutex);
        while (in == out)
            pthread_cond_wait(&changed, &mutex);
        int item = queue[out++ % 8];
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
        if (item < 0)
            return NULL;
        total += item;
    }
}
static void put(int item)
{
    pthread_mutex_lock(&mutex);
    while (in - out == 8)
        pthread_cond_wait(&changed, &mutex);
    queue[in++ % 8] = item;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}
static void *waiter(void *unused UNUSED)
{
    pthread_mutex_lock(&mutex);
    waiting++;
    pthread_cond_broadcast(&changed);
    while (!released)
        pthread_cond_wait(&changed, &mutex);
    waiting--;
    pthread_mutex_unlock(&mutex);
    return NULL;
}
int main(void)
{
    pthread_t thread, many[5];
    pthread_create(&thread, NULL, consumer, NULL);
    for (int i = 1; i <= 1000; i++)
        put(i);
    put(-1);
    pthread_join(thread, NULL);
    SHOW(total);
    for (int i = 0; i < 5; i++)
        pthread_create(&many[i], NULL, waiter, NULL);
    pthread_mutex_lock(&mutex);
    while (waiting < 5)
        pthread_cond_wait(&changed, &mutex);
    released = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < 5; i++)
        pthread_join(many[i], NULL);
    SHOW(waiting);
    struct timespec past = {1, 0};
    pthread_mutex_lock(&mutex);
    RC(pthread_cond_timedwait(&changed, &mutex, &past));
    RC(pthread_mutex_unlock(&mutex));
    return 0;
}
