/* Code in mappings: PROT_EXEC runs, its absence does not; code changed in place runs as changed. */
#include "check.h"
typedef int (*function)(void);
static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */
int main(void)
{
    unsigned char *page;
    OK(page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memcpy(page, code, sizeof code);
    expected_address = page;
    FAULT(((function)page)());
    SHOW(mprotect(page, PAGE, PROT_READ | PROT_EXEC));
    SHOW(((function)page)());
    expected_address = page + 1;
    FAULT(page[1] = 1);
    SHOW(mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
    for (int i = 0; i < 3; i++) {
        page[1] = 10 + i;
        SHOW(((function)page)());
    }
    SHOW(mprotect(page, PAGE, PROT_READ));
    expected_address = page;
    FAULT(((function)page)());
    int fd = file_of("f", "");
    SHOW(write(fd, code, sizeof code));
    OK(page = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0));
    SHOW(((function)page)());
    expected_address = (void *)0x123000;
    FAULT(((function)0x123000)());
    return 0;
}
