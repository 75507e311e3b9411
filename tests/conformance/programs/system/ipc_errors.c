/* System V semaphores, queues and shared memory: errors, several semaphores at once, undoing. */
#include "check.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
static int id;
static void undone(void)
{
    struct sembuf both[] = {{0, 3, SEM_UNDO}, {1, 2, 0}};
    SHOW(semop(id, both, 2));
}
int main(void)
{
    struct { long type; char text[8]; } m = {1, "text"};
    struct semid_ds about;
    struct msqid_ds queue_about;
    unsigned short values[2] = {4, 5};
    int queue;
    SHOW(semget(1234, 1, 0600));
    SHOW(semget(IPC_PRIVATE, 0, 0600));
    OK(id = semget(1234, 2, IPC_CREAT | IPC_EXCL | 0600));
    SHOW(semget(1234, 2, IPC_CREAT | IPC_EXCL | 0600));
    SHOW(semget(1234, 3, 0600));
    child(undone);
    SHOW(semctl(id, 0, GETVAL));
    SHOW(semctl(id, 1, GETVAL));
    SHOW(syscall(SYS_semop, id, &(struct sembuf){1, -2, 0}, 1));
    SHOW(semctl(id, 0, SETALL, values));
    memset(values, 0, sizeof values);
    SHOW(semctl(id, 0, GETALL, values));
    SHOW(values[0] * 10 + values[1]);
    SHOW(semctl(id, 0, IPC_STAT, &about));
    SHOW(about.sem_nsems);
    SHOW(semctl(id, 7, GETVAL));
    SHOW(semctl(id, 0, SETVAL, 100000));
    SHOW(semctl(id, 0, 999));
    SHOW(semctl(12345678, 0, GETVAL));
    SHOW(semctl(id, 0, IPC_STAT, BAD));
    SHOW(syscall(SYS_semop, id, &(struct sembuf){7, 1, 0}, 1));
    SHOW(syscall(SYS_semop, id, &(struct sembuf){0, -20, IPC_NOWAIT}, 1));
    SHOW(syscall(SYS_semop, id, BAD, 1));
    SHOW(syscall(SYS_semop, id, BAD, 0));
    SHOW(syscall(SYS_semtimedop, id, &(struct sembuf){0, -20, 0}, 1, BAD));
    SHOW(semctl(id, 0, IPC_RMID));
    SHOW(msgget(4321, 0600));
    OK(queue = msgget(4321, IPC_CREAT | 0600));
    SHOW(msgsnd(queue, &m, 8, 0));
    SHOW(msgsnd(queue, &(struct { long type; char text[8]; }){0, ""}, 8, 0));
    SHOW(msgsnd(queue, &m, -1, 0));
    SHOW(msgsnd(queue, BAD, 8, 0));
    SHOW(msgsnd(12345678, &m, 8, 0));
    SHOW(msgrcv(queue, &m, 2, 0, 0));
    SHOW(msgrcv(queue, &m, 2, 0, MSG_NOERROR));
    SHOW(msgrcv(queue, &m, 8, 5, IPC_NOWAIT));
    SHOW(msgctl(queue, IPC_STAT, &queue_about));
    SHOW(queue_about.msg_qnum);
    SHOW(msgctl(queue, IPC_STAT, BAD));
    SHOW(msgctl(queue, 999, &queue_about));
    SHOW(msgctl(queue, IPC_RMID, NULL));
    SHOW(shmget(999, 10, 0600));
    SHOW(shmget(IPC_PRIVATE, 0, 0600));
    SHOW(shmctl(12345678, IPC_STAT, BAD));
    SHOW(shmdt(BAD));
    SHOW((long)shmat(12345678, NULL, 0));
    return 0;
}
