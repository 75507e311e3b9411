/* munmap(2) that cuts mappings in the middle and spans several; /proc/self/maps agrees. */
#include "check.h"
static int mapped(char *a)
{
    char line[256];
    uintptr_t from, to;
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx", &from, &to) == 2 && from <= (uintptr_t)a && (uintptr_t)a < to)
            found = 1;
    fclose(maps);
    return found;
}
int main(void)
{
    int fd = file_of("f", "");
    SHOW(ftruncate(fd, 8 * PAGE));
    SHOW(pwrite(fd, "six", 3, 6 * PAGE));
    char *a;
    OK(a = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    OK(mmap(a + 4 * PAGE, 8 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0));
    memset(a, 'a', 4 * PAGE);
    SHOW(munmap(a + 3 * PAGE, 6 * PAGE));
    for (int i = 0; i < 16; i++)
        putchar(mapped(a + i * PAGE) ? 'm' : '.');
    puts("");
    TEXT(a + 10 * PAGE);
    expected_address = a + 8 * PAGE;
    FAULT((void)*(volatile char *)(a + 8 * PAGE));
    SHOW(munmap(a, 16 * PAGE));
    IS(mapped(a));
    return 0;
}
