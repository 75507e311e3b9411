/* What a process with threads sends to itself has arrived when the call returns: the main thread comes first. */
#include "check.h"
#include <pthread.h>
#define THREADS 6
#define ROUNDS 300
static volatile int by_main, by_others, ready;
static void on_signal(int number UNUSED)
{
    if (gettid() == getpid())
        by_main++;
    else
        __atomic_add_fetch(&by_others, 1, __ATOMIC_SEQ_CST);
}
static void *idle(void *unused)
{
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    for (;;)
        pause();
    return unused;
}
int main(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    union sigval value = {.sival_int = 3};
    pthread_t thread;
    int late = 0;
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGRTMIN + 1, &action, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread, NULL, idle, NULL);
    while (ready < THREADS)
        milliseconds(1);
    for (int i = 0; i < ROUNDS; i++) {
        kill(getpid(), SIGUSR1);
        late += by_main != i + 1;
    }
    SHOW(late), SHOW(by_main), SHOW(by_others);
    for (int i = 0; i < ROUNDS; i++) {
        sigqueue(getpid(), SIGRTMIN + 1, value);
        late += by_main != ROUNDS + i + 1;
    }
    SHOW(late), SHOW(by_main), SHOW(by_others);
    return 0;
}
