/* /proc/PID/{maps,smaps,cmdline,environ} of a child that sleeps, and of one that computes; of another user's process. */
#include "check.h"
static int ready[2];
static char *mark;
static void sleeps(void)
{
    tell(ready);
    pause();
}
static void computes(void)
{
    tell(ready);
    for (volatile unsigned long n = 0;; n++)
        ;
}
static int has(const char *path, const char *word)
{
    static char room[1 << 20];
    FILE *file = fopen(path, "r");
    size_t got = file ? fread(room, 1, sizeof room - 1, file) : 0;
    if (file)
        fclose(file);
    room[got] = 0;
    return strstr(room, word) != NULL;
}
static void look(pid_t pid)
{
    char path[64], range[64];
    sprintf(range, "%lx-%lx r", (unsigned long)mark, (unsigned long)mark + PAGE);
    sprintf(path, "/proc/%d/maps", pid);
    SHOW(access(path, R_OK));
    SHOW(has(path, "[stack]"));
    SHOW(has(path, range));
    sprintf(path, "/proc/%d/smaps", pid);
    SHOW(has(path, range));
    SHOW(has(path, "Rss:"));
    sprintf(path, "/proc/%d/cmdline", pid);
    SHOW(has(path, "maps_of_others"));
}
static void stranger(pid_t pid)
{
    char path[64];
    sprintf(path, "/proc/%d/maps", pid);
    SHOW(setuid(1000));
    SHOW(open(path, O_RDONLY));
}
int main(void)
{
    SHOW(pipe(ready));
    OK(mark = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(mprotect(mark + PAGE, 2 * PAGE, PROT_NONE));
    pid_t one = start(sleeps), two = start(computes);
    await(ready), await(ready);
    look(one);
    look(two);
    pid_t other = fork();
    if (other == 0) {
        stranger(one);
        fflush(stdout);
        _exit(0);
    }
    reap("stranger", other);
    SHOW(kill(one, SIGTERM));
    SHOW(kill(two, SIGTERM));
    reap("one", one);
    reap("two", two);
    return 0;
}
