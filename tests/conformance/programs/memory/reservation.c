/* Large PROT_NONE reservations, committed in pieces, as V8 and Go do. */
#include "check.h"
int main(void)
{
    size_t size = 64ul << 30;
    char *a;
    OK(a = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    expected_address = a + (20ul << 30);
    FAULT(a[20ul << 30] = 1);
    for (int i = 0; i < 8; i++) {
        char *piece = a + i * (7ul << 30);
        if (mprotect(piece, 16 * PAGE, PROT_READ | PROT_WRITE))
            perror("mprotect");
        piece[5 * PAGE] = i;
    }
    SHOW(a[5 * PAGE + 3 * (7ul << 30)]);
    SHOW(mprotect(a + (7ul << 30), 16 * PAGE, PROT_NONE));
    expected_address = a + (7ul << 30) + 5 * PAGE;
    FAULT((void)*(volatile char *)expected_address);
    SHOW(mprotect(a + (7ul << 30), 16 * PAGE, PROT_READ));
    SHOW(*(char *)expected_address);
    char *b;
    OK(b = mmap(a + (1ul << 30), 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    b[0] = 9;
    SHOW(madvise(b, 4 * PAGE, MADV_DONTNEED));
    SHOW(b[0]);
    SHOW(munmap(a + PAGE, 32ul << 30));
    SHOW(munmap(a, size));
    return 0;
}
