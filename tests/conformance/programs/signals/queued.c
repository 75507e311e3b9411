/* rt_sigqueueinfo(2), rt_tgsigqueueinfo(2), tkill(2): values, what may not be claimed, errors. */
#include "check.h"
static volatile int value, code;
static void handler(int n UNUSED, siginfo_t *info, void *context UNUSED) { value = info->si_value.sival_int, code = info->si_code; }
static void stranger(void)
{
    siginfo_t info = {.si_code = SI_USER};
    SHOW(syscall(SYS_rt_sigqueueinfo, getppid(), SIGUSR1, &info));
    info.si_code = SI_TKILL;
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getppid(), getppid(), SIGUSR1, &info));
}
int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    siginfo_t info = {.si_code = SI_QUEUE};
    info.si_value.sival_int = 5;
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, &info));
    SHOW(value);
    SHOW(code == SI_QUEUE);
    info.si_value.sival_int = 6;
    SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info));
    SHOW(value);
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), 0, &info));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), 99, &info));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), 999999, SIGUSR1, &info));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, -1, gettid(), SIGUSR1, &info));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, BAD));
    SHOW(syscall(SYS_rt_sigqueueinfo, 999999, SIGUSR1, &info));
    SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, BAD));
    SHOW(syscall(SYS_tkill, gettid(), SIGUSR1));
    SHOW(code == SI_TKILL);
    SHOW(syscall(SYS_tkill, 0, SIGUSR1));
    SHOW(syscall(SYS_tkill, 999999, SIGUSR1));
    SHOW(syscall(SYS_tgkill, getpid(), 1 << 20, SIGUSR1));
    child(stranger);
    return 0;
}
