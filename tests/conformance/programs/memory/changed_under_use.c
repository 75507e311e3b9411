/* While one thread uses memory, another changes the mappings around it, replaces it, lets it grow, takes a right that the
 * user does not need: neither sees anything of it. */
#include "check.h"
#include <pthread.h>
#define MB (1ul << 20)

static char *volatile cur;
static volatile int done;
static unsigned long lost, rounds;

static void *count(void *unused)
{
    volatile unsigned long *word = (unsigned long *)cur;
    unsigned long n = *word;
    while (!done) {
        if (*word != n)
            lost++, n = *word;
        *word = ++n;
    }
    return unused;
}

static void *look(void *unused)
{
    unsigned long sum = 0;
    while (!done)
        sum += *(volatile unsigned long *)cur;
    lost += sum;
    return unused;
}

static void *let_write(void *unused)
{
    int zero = open("/dev/zero", O_RDONLY);
    while (!done) {
        int *ends = (int *)(cur + 64);
        if (pread(zero, cur, PAGE, 0) != PAGE || pipe(ends) != 0)
            lost++;
        else
            close(ends[0]), close(ends[1]);
        rounds++;
    }
    return unused;
}

static void *others(size_t size, int rights)
{
    return mmap(NULL, size, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void with(void *(*user)(void *), void (*change)(void))
{
    pthread_t thread;
    done = 0, lost = 0;
    pthread_create(&thread, NULL, user, NULL);
    milliseconds(2);
    change();
    done = 1;
    pthread_join(thread, NULL);
    SHOW(lost);
}

static char *room;

static void split(void)
{
    for (int i = 0; i < 48; i++) {
        cur = room + i * 2 * MB;
        milliseconds(1);
        mprotect(cur + MB, PAGE, PROT_READ);
    }
}

static void *count_where_it_is(void *unused)
{
    unsigned long n = 0;
    while (!done)
        *(volatile unsigned long *)cur = ++n;
    return unused;
}

static int file;

static void replace(void)
{
    for (int i = 0; i < 150; i++) {
        milliseconds(1);
        mmap(cur, 4 * MB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
    }
}

static void grow(void)
{
    size_t size = 4 * MB;
    for (int i = 0; i < 30; i++) {
        milliseconds(1);
        if (mremap(cur, size, size + PAGE, 0) == MAP_FAILED)
            puts("no room");
        size += PAGE;
    }
}

static void take_and_give(void)
{
    for (int i = 0; i < 1000; i++) {
        mprotect(cur, 4 * PAGE, PROT_READ | PROT_WRITE);
        mprotect(cur, 4 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    }
}

int main(void)
{
    room = others(98 * MB, PROT_READ | PROT_WRITE);
    room = (char *)(((unsigned long)room + 2 * MB - 1) & -(2 * MB));
    cur = room;
    with(count_where_it_is, split);
    file = memfd_create("file", 0);
    SHOW(ftruncate(file, 4 * MB));
    cur = mmap(NULL, 4 * MB, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    with(look, replace);
    cur = others(16 * MB, PROT_READ | PROT_WRITE);
    munmap(cur + 4 * MB, 12 * MB);
    with(count, grow);
    cur = others(4 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    with(let_write, take_and_give);
    IS(rounds > 10);
    return 0;
}
