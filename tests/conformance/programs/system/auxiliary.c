/* getauxval(3): what the loader is told. */
#include "check.h"
#include <elf.h>
#include <sys/auxv.h>
extern char __ehdr_start __attribute__((weak));
int main(int argc UNUSED, char **argv)
{
    SHOW(getauxval(AT_PAGESZ));
    SHOW(getauxval(AT_CLKTCK));
    SHOW(getauxval(AT_UID) + getauxval(AT_EUID) + getauxval(AT_GID) + getauxval(AT_EGID));
    SHOW(getauxval(AT_SECURE));
    SHOW(getauxval(AT_PHENT));
    IS(getauxval(AT_PHNUM) > 3);
    IS(getauxval(AT_PHDR) != 0 && getauxval(AT_ENTRY) != 0);
    TEXT((char *)getauxval(AT_PLATFORM));
    IS(strcmp((char *)getauxval(AT_EXECFN), argv[0]) == 0);
    unsigned char *random = (void *)getauxval(AT_RANDOM);
    int sum = 0;
    for (int i = 0; i < 16; i++)
        sum |= random[i];
    IS(sum != 0);
    char *vdso = (char *)getauxval(AT_SYSINFO_EHDR);
    IS(vdso == NULL || memcmp(vdso, ELFMAG, SELFMAG) == 0);
    SHOW(getauxval(AT_BASE) != 0);
    return 0;
}
