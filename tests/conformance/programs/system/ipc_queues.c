/* System V semaphores and message queues. */
#include "check.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
static int id, queue;
static void other(void)
{
    SHOW(semop(id, &(struct sembuf){0, 1, 0}, 1));
    struct { long type; char text[8]; } m = {5, "message"};
    SHOW(msgsnd(queue, &m, 8, 0));
}
int main(void)
{
    struct { long type; char text[8]; } m;
    OK(id = semget(IPC_PRIVATE, 2, 0600));
    OK(queue = msgget(IPC_PRIVATE, 0600));
    SHOW(semop(id, &(struct sembuf){0, -1, IPC_NOWAIT}, 1));
    SHOW(msgrcv(queue, &m, 8, 0, IPC_NOWAIT));
    pid_t pid = start_aside(other);
    SHOW(semop(id, &(struct sembuf){0, -1, 0}, 1));
    SHOW(msgrcv(queue, &m, 8, 5, 0));
    TEXT(m.text);
    reap_aside("other", pid);
    SHOW(semctl(id, 1, SETVAL, 7));
    SHOW(semctl(id, 1, GETVAL));
    SHOW(semtimedop(id, &(struct sembuf){0, -1, 0}, 1, &(struct timespec){0, 1000000}));
    SHOW(semctl(id, 0, IPC_RMID));
    SHOW(msgctl(queue, IPC_RMID, NULL));
    SHOW(semop(id, &(struct sembuf){0, 1, 0}, 1));
    return 0;
}
