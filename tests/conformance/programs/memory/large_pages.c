/* Megabytes that grow, move, are cut to pieces and come back: each page has its own contents, and new ones are zero. */
#include "check.h"
#define MB (1ul << 20)

static unsigned long word(size_t page, unsigned long salt) { return page * 0x9E3779B97F4A7C15ul ^ salt; }

static void fill(char *at, size_t size, unsigned long salt)
{
    for (size_t page = 0; page < size / PAGE; page++)
        *(unsigned long *)(at + page * PAGE) = word(page, salt);
}

/* Pages that do not hold what they should: those before `filled` the salt's words, the others zeroes. */
static size_t wrong(const char *at, size_t filled, size_t size, unsigned long salt)
{
    size_t found = 0;
    for (size_t page = 0; page < size / PAGE; page++)
        found += *(const unsigned long *)(at + page * PAGE) != (page < filled / PAGE ? word(page, salt) : 0);
    return found;
}

static char *fresh(void *at, size_t size)
{
    return mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);
}

static void grows(void)
{
    size_t size = 50 * PAGE, bad = 0;
    char *at = fresh(NULL, size);
    while (size < 96 * MB) {
        size_t more = size + (size / 8 & ~(PAGE - 1ul)) + PAGE;
        fill(at, size, 1);
        at = mremap(at, size, more, MREMAP_MAYMOVE);
        bad += wrong(at, size, more, 1);
        size = more;
    }
    SHOW(bad);
    munmap(at, size);
}

static void changes_in_place(void)
{
    char *at = fresh(NULL, 16 * MB);
    size_t bad = 0;
    for (unsigned long turn = 0; turn < 12; turn++) {
        at = fresh(at, 16 * MB);
        fill(at, 16 * MB, turn);
        munmap(at + 3 * MB, 5 * MB + (turn % 3) * PAGE);
        fresh(at + 3 * MB, 5 * MB + (turn % 3) * PAGE);
        for (size_t start = 4 * MB; start < 7 * MB; start += 13 * PAGE)
            fresh(at + start, PAGE);
        bad += wrong(at, 3 * MB, 3 * MB, turn) + wrong(at + 3 * MB, 0, 5 * MB, turn);
        mprotect(at + 10 * MB, (turn + 1) * PAGE, PROT_READ);
        for (size_t page = 9 * MB / PAGE; page < 16 * MB / PAGE; page++)
            bad += *(unsigned long *)(at + page * PAGE) != word(page, turn);
    }
    SHOW(bad);
    munmap(at, 16 * MB);
}

static void passes_by(void)
{
    size_t bad = 0, sizes[] = {6 * MB, 4 * MB, 9 * MB + PAGE, 2 * MB, 5 * MB};
    for (unsigned long turn = 0; turn < 25; turn++) {
        char *blocks[COUNT(sizes)];
        for (size_t i = 0; i < COUNT(sizes); i++) {
            size_t size = sizes[(i + turn) % COUNT(sizes)];
            blocks[i] = fresh(NULL, size);
            bad += wrong(blocks[i], 0, size, 0);
            fill(blocks[i], size, turn * 8 + i);
        }
        for (size_t i = 0; i < COUNT(sizes); i++) {
            size_t size = sizes[(i + turn) % COUNT(sizes)];
            bad += wrong(blocks[i], size, size, turn * 8 + i);
            munmap(blocks[i], size);
        }
    }
    SHOW(bad);
}

static void in_a_child(void)
{
    size_t bad = wrong((char *)0x600000000000, 8 * MB, 8 * MB, 5);
    fresh((void *)0x600000000000, 3 * MB);
    bad += wrong((char *)0x600000000000, 0, 3 * MB, 0);
    SHOW(bad);
}

int main(void)
{
    grows();
    changes_in_place();
    passes_by();
    fill(fresh((void *)0x600000000000, 8 * MB), 8 * MB, 5);
    child(in_a_child);
    SHOW(wrong((char *)0x600000000000, 8 * MB, 8 * MB, 5));
    return 0;
}
