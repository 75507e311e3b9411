/* What a handler does to a call that waits: SA_RESTART and without, on a pipe. */
#include "check.h"
static int pipes[2], flags;
static pid_t parent;
static void handler(int n) { printf("  handler %s\n", signal_name(n)); }
static void poke(void)
{
    until_asleep(parent);
    kill(parent, SIGUSR1);
    milliseconds(20);
    until_asleep(parent);
    tell(pipes);
}
static void test(void)
{
    char byte;
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(SIGUSR1, &action, NULL);
    pid_t pid = start(poke);
    SHOW(read(pipes[0], &byte, 1));
    reap("poke", pid);
    fcntl(pipes[0], F_SETFL, O_NONBLOCK);
    (void)!read(pipes[0], &byte, 1);
    fcntl(pipes[0], F_SETFL, 0);
}
int main(void)
{
    parent = getpid();
    SHOW(pipe(pipes));
    flags = 0, test();
    flags = SA_RESTART, test();
    return 0;
}
