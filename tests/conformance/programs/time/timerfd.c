/* timerfd_create(2): expirations counted, intervals, absolute times, poll, errors. */
#include "check.h"
#include <poll.h>
#include <sys/timerfd.h>
int main(void)
{
    uint64_t count = 0;
    struct itimerspec spec = {{0, 0}, {0, 2000000}}, old;
    int fd;
    OK(fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    SHOW(timerfd_gettime(fd, &old));
    SHOW(old.it_value.tv_nsec);
    SHOW(timerfd_settime(fd, 0, &spec, NULL));
    SHOW(read(fd, &count, 8));
    SHOW(count);
    spec = (struct itimerspec){{0, 1000000}, {0, 1000000}};
    SHOW(timerfd_settime(fd, 0, &spec, NULL));
    milliseconds(10);
    SHOW(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 1000));
    SHOW(read(fd, &count, 8));
    IS(count >= 5);
    spec = (struct itimerspec){{0, 0}, {0, 0}};
    SHOW(timerfd_settime(fd, 0, &spec, &old));
    SHOW(old.it_interval.tv_nsec);
    SHOW(fcntl(fd, F_SETFL, O_NONBLOCK));
    SHOW(read(fd, &count, 8));
    SHOW(read(fd, &count, 4));
    SHOW(write(fd, &count, 8));
    clock_gettime(CLOCK_MONOTONIC, &spec.it_value);
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL));
    SHOW(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 1000));
    SHOW(timerfd_settime(fd, 0x80, &spec, NULL));
    spec.it_value.tv_nsec = -1;
    SHOW(timerfd_settime(fd, 0, &spec, NULL));
    spec.it_value.tv_nsec = 0;
    SHOW(timerfd_settime(0, 0, &spec, NULL));
    SHOW(timerfd_settime(-1, 0, &spec, NULL));
    SHOW(timerfd_settime(fd, 0, BAD, NULL));
    SHOW(timerfd_create(99, 0));
    SHOW(timerfd_create(CLOCK_MONOTONIC, 0x1));
    return 0;
}
