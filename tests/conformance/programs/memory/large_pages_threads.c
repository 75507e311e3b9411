/* Threads work in one part of large pages while another thread cuts, maps and protects the rest of them. */
#include "check.h"
#include <pthread.h>
#define MB (1ul << 20)
#define WORKERS 3
#define TURNS 60

static char *volatile base;
static volatile int done;
static unsigned long wrong_words;

/* Pages `number`, `number + WORKERS` ... of the first half of each 2 MiB. */
static void *work(void *number)
{
    unsigned long found = 0, round = 0;
    while (!done) {
        char *at = base;
        round++;
        for (int pass = 0; pass < 2; pass++)
            for (size_t block = 0; block < 4; block++)
                for (size_t page = (size_t)number; page < MB / PAGE; page += 8 * WORKERS) {
                    volatile unsigned long *word = (unsigned long *)(at + block * 2 * MB + page * PAGE);
                    if (pass == 0)
                        *word = round + page;
                    else
                        found += *word != round + page;
                }
    }
    __atomic_add_fetch(&wrong_words, found, __ATOMIC_SEQ_CST);
    return NULL;
}

static char *anonymous(char *at, size_t size)
{
    return mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

int main(void)
{
    pthread_t threads[WORKERS];
    unsigned long other = 0;
    char *room = mmap(NULL, 12 * MB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    base = (char *)(((unsigned long)room + 2 * MB - 1) & -(2 * MB));
    anonymous(base, 8 * MB);
    for (long i = 0; i < WORKERS; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    for (int turn = 0; turn < TURNS; turn++) {
        char *half = base + (turn % 4) * 2 * MB + MB; /* the second half of a large page */
        size_t size = (turn % 5 + 1) * 16 * PAGE;
        other += anonymous(half, size)[size - 1];
        memset(half, turn, size);
        mprotect(half, size / 2, PROT_READ);
        for (size_t at = 0; at < size; at += PAGE)
            other += half[at] != (char)turn;
        munmap(half, size);
        anonymous(half, size);
        other += half[0] + half[size - PAGE];
        milliseconds(1);
    }
    done = 1;
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    SHOW(wrong_words);
    SHOW(other);
    return 0;
}
