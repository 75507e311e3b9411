/* fork(2) in a threaded process: one thread in the child, atfork handlers, locks. */
#include "check.h"
#include <pthread.h>
static int turn[2];
static void before(void) { puts("before"); }
static void in_parent(void) { puts("parent"), tell(turn); }
static void in_child(void) { await(turn), puts("child"); } /* not both at once */
static void look(void)
{
    char line[64];
    FILE *status = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, status))
        if (strncmp(line, "Threads:", 8) == 0)
            fputs(line, stdout);
    IS(gettid() == getpid());
    fclose(status);
    fflush(stdout);
}
static void *sleeps(void *unused UNUSED) { pause(); return NULL; }
static void *forks(void *unused UNUSED) { child(look); return NULL; }
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, sleeps, NULL);
    child(look);
    pthread_create(&thread, NULL, forks, NULL);
    pthread_join(thread, NULL);
    if (pipe(turn))
        return 1;
    pthread_atfork(before, in_parent, in_child);
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    reap("with handlers", pid);
    return 0;
}
