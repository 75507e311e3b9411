/* Signals and threads: masks of their own, pthread_kill, process signals go to one that takes them. */
#include "check.h"
#include <pthread.h>
static __thread int caught;
static volatile pid_t catcher;
static int ready[2], seen;
static void on_signal(int n) { caught = n; catcher = gettid(); }
static void *takes(void *unused UNUSED)
{
    tell(ready);
    while (!caught)
        milliseconds(1);
    seen = caught;
    return (void *)(intptr_t)gettid();
}
int main(void)
{
    sigset_t set, pending;
    pthread_t thread;
    void *tid;
    SHOW(pipe(ready));
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, on_signal);
    pthread_create(&thread, NULL, takes, NULL);
    await(ready);
    RC(pthread_kill(thread, SIGUSR1));
    pthread_join(thread, &tid);
    TEXT(signal_name(seen));
    IS(catcher == (pid_t)(intptr_t)tid);
    SHOW(caught);
    pthread_create(&thread, NULL, takes, NULL);
    await(ready);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    RC(pthread_sigmask(SIG_BLOCK, &set, NULL));
    SHOW(kill(getpid(), SIGUSR2));
    pthread_join(thread, &tid);
    TEXT(signal_name(seen));
    IS(catcher == (pid_t)(intptr_t)tid);
    RC(pthread_kill(pthread_self(), SIGUSR2));
    sigpending(&pending);
    IS(sigismember(&pending, SIGUSR2));
    SHOW(caught);
    RC(pthread_sigmask(SIG_UNBLOCK, &set, NULL));
    IS(caught == SIGUSR2 && catcher == gettid());
    RC(pthread_kill(pthread_self(), 99));
    RC(pthread_kill(pthread_self(), 0));
    return 0;
}
