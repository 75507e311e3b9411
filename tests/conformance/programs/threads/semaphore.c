/* POSIX semaphores between threads and processes. */
#include "check.h"
#include <pthread.h>
#include <semaphore.h>
static sem_t ping, pong, *shared;
static void *player(void *unused UNUSED)
{
    for (int i = 0; i < 200; i++) {
        sem_wait(&ping);
        sem_post(&pong);
    }
    return NULL;
}
static void other(void) { for (int i = 0; i < 50; i++) sem_wait(&shared[0]), sem_post(&shared[1]); }
int main(void)
{
    pthread_t thread;
    sem_init(&ping, 0, 0), sem_init(&pong, 0, 0);
    pthread_create(&thread, NULL, player, NULL);
    for (int i = 0; i < 200; i++)
        sem_post(&ping), sem_wait(&pong);
    pthread_join(thread, NULL);
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sem_init(&shared[0], 1, 0), sem_init(&shared[1], 1, 0);
    pid_t pid = start(other);
    for (int i = 0; i < 50; i++)
        sem_post(&shared[0]), sem_wait(&shared[1]);
    reap("other", pid);
    SHOW(sem_trywait(&ping));
    struct timespec past = {1, 0};
    SHOW(sem_timedwait(&ping, &past));
    sem_t *named = sem_open("/name", O_CREAT | O_EXCL, 0600, 1);
    IS(named != SEM_FAILED);
    SHOW(sem_wait(named));
    SHOW(sem_trywait(named));
    SHOW(sem_unlink("/name"));
    return 0;
}
