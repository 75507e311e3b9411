/* pthread_cancel(3): in a blocking call, with cleanup, deferred, disabled. */
#include "check.h"
#include <pthread.h>
static int pipes[2], ready[2], go[2];
static int cleaned, survived;
static void cleanup(void *flag) { *(int *)flag = 1; }
static void *blocked(void *unused UNUSED)
{
    char byte;
    pthread_cleanup_push(cleanup, &cleaned);
    tell(ready);
    (void)!read(pipes[0], &byte, 1);
    pthread_cleanup_pop(0);
    return NULL;
}
static void *disabled(void *unused UNUSED)
{
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    tell(ready);
    await(go); /* until it has been canceled */
    survived = 1;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    pthread_testcancel();
    puts("never");
    return NULL;
}
static void *spins(void *unused UNUSED)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    tell(ready);
    for (volatile int i = 0;; i++)
        ;
    return NULL;
}
static void test(void *(*function)(void *))
{
    pthread_t thread;
    void *result;
    char byte;
    pthread_create(&thread, NULL, function, NULL);
    await(ready);
    int canceled = pthread_cancel(thread);
    tell(go);
    int joined = pthread_join(thread, &result);
    printf("canceled %d joined %d cleaned %d survived %d\n", canceled, joined, cleaned, survived);
    IS(result == PTHREAD_CANCELED);
    fcntl(go[0], F_SETFL, O_NONBLOCK); /* the others leave it there */
    (void)!read(go[0], &byte, 1);
    fcntl(go[0], F_SETFL, 0);
}
int main(void)
{
    SHOW(pipe(pipes) | pipe(ready) | pipe(go));
    test(blocked);
    test(disabled);
    test(spins);
    return 0;
}
