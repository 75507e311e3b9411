/* exit(3) in any thread ends all, whatever they do. */
#include "check.h"
#include <pthread.h>
static int pipes[2];
static void *reads(void *unused UNUSED) { char b; (void)!read(pipes[0], &b, 1); return NULL; }
static void *spins(void *unused UNUSED) { for (volatile int i = 0;; i++) ; return NULL; }
static void *sleeps(void *unused UNUSED) { pause(); return NULL; }
static void *leaves(void *unused UNUSED) { milliseconds(5); puts("leaving"); exit(77); }
int main(void)
{
    pthread_t thread;
    SHOW(pipe(pipes));
    pthread_create(&thread, NULL, reads, NULL);
    pthread_create(&thread, NULL, spins, NULL);
    pthread_create(&thread, NULL, sleeps, NULL);
    pthread_create(&thread, NULL, leaves, NULL);
    pthread_join(thread, NULL);
    puts("never");
    return 0;
}
