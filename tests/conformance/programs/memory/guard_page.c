/* A handler that opens a guard page and returns: the access is made again. */
#include "check.h"
static char *page;
static volatile int faults;
static void open_it(int n UNUSED, siginfo_t *info, void *context UNUSED)
{
    faults++;
    if ((char *)info->si_addr < page || (char *)info->si_addr >= page + 8 * PAGE)
        _exit(9);
    mprotect((void *)((uintptr_t)info->si_addr & -PAGE), PAGE, PROT_READ | PROT_WRITE);
}
int main(void)
{
    struct sigaction action = {.sa_sigaction = open_it, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    OK(page = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (int i = 0; i < 8; i++)
        page[i * PAGE + i]++;
    SHOW(faults);
    for (int i = 0; i < 8; i++)
        page[i * PAGE + i]++;
    SHOW(faults);
    SHOW(page[3 * PAGE + 3]);
    SHOW(mprotect(page, 8 * PAGE, PROT_READ));
    *(long *)(page + 2 * PAGE - 4) = -1; /* over two pages */
    SHOW(faults);
    return 0;
}
