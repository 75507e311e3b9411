/* mq_open(3) and its kin: messages by priority, attributes, what is too long, notification. */
#include "check.h"
#include <mqueue.h>
static volatile int told;
static void on_signal(int n UNUSED, siginfo_t *info, void *context UNUSED) { told = info->si_value.sival_int; }
int main(void)
{
    struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 16};
    struct timespec past = {1, 0};
    char room[16] = "";
    unsigned priority = 0;
    mqd_t q;
    OK(q = mq_open("/queue", O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attr));
    SHOW(mq_open("/queue", O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
    SHOW(mq_open("/missing", O_RDONLY));
    SHOW(mq_open("/a/b", O_RDWR | O_CREAT, 0600, NULL));
    SHOW(syscall(SYS_mq_open, BAD, O_RDONLY, 0, NULL));
    SHOW(mq_send(q, "low", 4, 1));
    SHOW(mq_send(q, "high", 5, 9));
    SHOW(mq_send(q, "far too long for this", 22, 9));
    SHOW(mq_send(q, "x", 1, 99999));
    SHOW(mq_getattr(q, &attr));
    SHOW(attr.mq_curmsgs);
    SHOW(attr.mq_flags == O_NONBLOCK);
    SHOW(mq_receive(q, room, 16, &priority));
    TEXT(room);
    SHOW(priority);
    SHOW(mq_receive(q, room, 4, NULL));
    SHOW(mq_receive(q, room, 16, &priority));
    TEXT(room);
    SHOW(mq_receive(q, room, 16, NULL));
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77};
    SHOW(mq_notify(q, &event));
    SHOW(mq_notify(q, &event));
    SHOW(mq_send(q, "wake", 5, 0));
    SHOW(told);
    SHOW(mq_notify(q, NULL));
    SHOW(mq_notify(99, NULL));
    SHOW(mq_receive(q, room, 16, NULL));
    attr.mq_flags = 0;
    SHOW(mq_setattr(q, &attr, NULL));
    SHOW(mq_setattr(99, &attr, NULL));
    SHOW(mq_timedreceive(q, room, 16, NULL, &past));
    for (int i = 0; i < 4; i++)
        SHOW(mq_timedsend(q, "y", 1, 0, &past));
    SHOW(mq_timedsend(q, "y", 1, 0, &past));
    past.tv_nsec = 2000000000;
    SHOW(mq_timedsend(q, "y", 1, 0, &past));
    SHOW(mq_unlink("/queue"));
    SHOW(mq_unlink("/queue"));
    SHOW(mq_close(q));
    SHOW(mq_close(q));
    return 0;
}
