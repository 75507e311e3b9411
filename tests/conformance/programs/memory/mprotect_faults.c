/* mprotect(2): what each protection lets through, and what the fault says. */
#include "check.h"
static char *volatile page;
int main(void)
{
    OK(page = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    page += PAGE;
    page[10] = 'x';
    expected_address = page + 10;
    SHOW(mprotect(page, PAGE, PROT_READ));
    FAULT((void)*(volatile char *)(page + 10));
    FAULT(page[10] = 'y');
    SHOW(mprotect(page, PAGE, PROT_NONE));
    FAULT((void)*(volatile char *)(page + 10));
    FAULT(page[10] = 'y');
    FAULT(page[-1] = 'y');
    FAULT(page[PAGE] = 'y');
    SHOW(mprotect(page, PAGE, PROT_WRITE));
    FAULT(page[10] = 'z');
    SHOW(mprotect(page, PAGE, PROT_READ | PROT_WRITE));
    FAULT(page[10]++);
    SHOW(page[10] - 'z');
    for (int i = 0; i < 20; i++) {
        if (mprotect(page, PAGE, PROT_READ) || mprotect(page, PAGE, PROT_READ | PROT_WRITE))
            perror("mprotect");
        page[10]++;
    }
    SHOW(page[10] - 'z');
    expected_address = BAD;
    FAULT(*(volatile char *)BAD = 1);
    expected_address = NULL;
    FAULT(*(volatile char *)NULL);
    FAULT(*(volatile char *)0x8000000000000000ul);
    return 0;
}
