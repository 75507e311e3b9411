/* execve(2) from a thread: the others are gone, the id is the leader's. */
#include "check.h"
#include <pthread.h>
static char *self, pid[16];
static void *spins(void *unused UNUSED) { for (volatile int i = 0;; i++) ; return NULL; }
static void *sleeps(void *unused UNUSED) { pause(); return NULL; }
static void *execs(void *unused UNUSED)
{
    execl(self, self, pid, NULL);
    return NULL;
}
int main(int argc, char **argv)
{
    if (argc > 1) {
        IS(atoi(argv[1]) == getpid() && gettid() == getpid());
        char line[64];
        FILE *status = fopen("/proc/self/status", "r");
        while (fgets(line, sizeof line, status))
            if (strncmp(line, "Threads:", 8) == 0)
                fputs(line, stdout);
        return 0;
    }
    self = argv[0];
    sprintf(pid, "%d", getpid());
    pthread_t thread;
    pthread_create(&thread, NULL, spins, NULL);
    pthread_create(&thread, NULL, sleeps, NULL);
    pthread_create(&thread, NULL, execs, NULL);
    pthread_join(thread, NULL);
    puts("never");
    return 1;
}
