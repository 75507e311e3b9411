/* shmget(2), shmat(2), shmctl(2), shmdt(2). */
#include "check.h"
#include <sys/ipc.h>
#include <sys/shm.h>
static int id;
static void other(void)
{
    char *a;
    OK(a = shmat(id, NULL, 0));
    TEXT(a);
    strcpy(a, "from the child");
}
int main(void)
{
    struct shmid_ds ds;
    OK(id = shmget(IPC_PRIVATE, 2 * PAGE, IPC_CREAT | 0600));
    char *a, *b;
    OK(a = shmat(id, NULL, 0));
    OK(b = shmat(id, NULL, SHM_RDONLY));
    strcpy(a, "from the parent");
    TEXT(b);
    expected_address = b;
    FAULT(*(volatile char *)b = 1);
    child(other);
    TEXT(a);
    SHOW(shmctl(id, IPC_STAT, &ds));
    SHOW(ds.shm_nattch);
    SHOW(ds.shm_segsz);
    SHOW(shmdt(b));
    SHOW(shmdt(b));
    SHOW(shmctl(id, IPC_RMID, NULL));
    TEXT(a);
    SHOW(shmdt(a));
    OK(shmat(id, NULL, 0));
    OK(shmget(1234, 0, 0));
    OK(shmget(1234, PAGE, IPC_CREAT | 0600));
    OK(shmget(1234, PAGE, IPC_CREAT | IPC_EXCL | 0600));
    OK(shmget(1234, 2 * PAGE, 0));
    SHOW(shmctl(-1, IPC_STAT, &ds));
    return 0;
}
