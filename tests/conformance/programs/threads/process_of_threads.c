/* /proc/self/task, tgkill(2) of the gone, names of threads, detached ones. */
#include "check.h"
#include <dirent.h>
#include <pthread.h>
static int ready[2], go[2];
static pid_t tid;
static void *named(void *unused UNUSED)
{
    tid = gettid();
    pthread_setname_np(pthread_self(), "worker");
    tell(ready);
    await(go);
    return NULL;
}
static int tasks(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/task");
    for (struct dirent *e; (e = readdir(dir));)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}
int main(void)
{
    char path[64];
    pthread_t thread;
    SHOW(pipe(ready) | pipe(go));
    SHOW(tasks());
    pthread_create(&thread, NULL, named, NULL);
    await(ready);
    SHOW(tasks());
    sprintf(path, "/proc/self/task/%d/comm", tid);
    int fd = open(path, O_RDONLY);
    char name[32] = "";
    SHOW(read(fd, name, 31));
    TEXT(name);
    SHOW(syscall(SYS_tgkill, getpid(), tid, 0));
    SHOW(syscall(SYS_tgkill, tid, getpid(), 0));
    SHOW(syscall(SYS_tgkill, -1, tid, 0));
    tell(go);
    pthread_join(thread, NULL);
    for (int i = 0; i < 500 && tasks() > 1; i++)
        milliseconds(1);
    SHOW(tasks());
    SHOW(syscall(SYS_tgkill, getpid(), tid, 0));
    pthread_create(&thread, NULL, named, NULL);
    RC(pthread_detach(thread));
    await(ready);
    tell(go);
    for (int i = 0; i < 500 && tasks() > 1; i++)
        milliseconds(1);
    SHOW(tasks());
    return 0;
}
