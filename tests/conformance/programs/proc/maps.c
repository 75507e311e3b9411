/* /proc/self/maps: every mapping, its rights, its file; the heap and the stack named. */
#include "check.h"
static void show(void *at)
{
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    int found = 0;
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to, offset, inode;
        unsigned major, minor;
        char rights[8], path[256] = "";
        int n = sscanf(line, "%lx-%lx %7s %lx %x:%x %lu %255[^\n]", &from, &to, rights, &offset, &major, &minor, &inode, path);
        if (n < 7)
            printf("odd line %s", line);
        if (from <= (uintptr_t)at && (uintptr_t)at < to) {
            printf("%s offset %#lx inode %d %s\n", rights, offset, inode != 0, path);
            found = 1;
        }
    }
    fclose(maps);
    if (!found)
        puts("not mapped");
}
static int data = 1;
int main(void)
{
    int fd = file_of("f", "mapped"), local = 0;
    SHOW(ftruncate(fd, 4 * PAGE));
    show((void *)main);
    show(&data);
    show(&local);
    show(sbrk(0) - 1);
    char *a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(a, PAGE, PROT_READ | PROT_EXEC);
    show(a);
    mprotect(a, PAGE, PROT_NONE);
    show(a);
    show(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE));
    show(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 2 * PAGE));
    unlink("f");
    show(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
    show(BAD);
    return 0;
}
