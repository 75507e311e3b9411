/* A position-independent static program, relocated by itself. @link static-pie */
#include "check.h"
static const char *const words[] = {"one", "two", "three"};
static int (*const functions[])(const char *) = {puts, puts};
int main(void)
{
    for (size_t i = 0; i < COUNT(words); i++)
        functions[i % 2](words[i]);
    IS((uintptr_t)main > 0x10000);
    return 0;
}
