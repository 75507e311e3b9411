/* SIGBUS without a handler kills. */
#include "check.h"
int main(void)
{
    int fd = file_of("f", "");
    char *a;
    OK(a = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));
    return a[0];
}
