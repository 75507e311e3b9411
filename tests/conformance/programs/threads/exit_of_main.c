/* The first thread leaves before the others: the process lives on, and ends with its last thread. */
#include "check.h"
#include <pthread.h>
static pthread_t first;
static void *last(void *unused UNUSED)
{
    char state = 0, line[256] = "";
    RC(pthread_join(first, NULL));
    for (int i = 0; i < 200 && state != 'Z'; i++) {
        FILE *stat = fopen("/proc/self/stat", "r");
        (void)!fgets(line, sizeof line, stat);
        fclose(stat);
        state = strrchr(line, ')')[2];
        milliseconds(1);
    }
    printf("the leader's state: %c\n", state);
    puts("last");
    exit(12);
}
int main(void)
{
    pthread_t thread;
    first = pthread_self();
    pthread_create(&thread, NULL, last, NULL);
    pthread_exit(NULL);
}
