/* A dynamic program: constructors, shared objects found at run time. @link dynamic */
#include "check.h"
#include <dlfcn.h>
#include <math.h>
__attribute__((constructor)) static void before(void) { puts("constructor"); }
__attribute__((destructor)) static void after(void) { puts("destructor"); }
int main(void)
{
    void *library = dlopen("libm.so.6", RTLD_NOW);
    IS(library != NULL);
    double (*function)(double) = library ? (double (*)(double))dlsym(library, "cos") : NULL;
    IS(function != NULL && function(0) == 1.0);
    IS(dlopen("libmissing.so", RTLD_NOW) == NULL);
    char line[512];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps))
        found |= strstr(line, "/libc.so.6") != NULL;
    SHOW(found);
    return 0;
}
