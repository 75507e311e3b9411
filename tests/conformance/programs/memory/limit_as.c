/* RLIMIT_AS, RLIMIT_DATA: no more memory, and a clean ENOMEM. */
#include "check.h"
#include <sys/resource.h>
int main(void)
{
    struct rlimit limit = {64 << 20, 64 << 20};
    SHOW(setrlimit(RLIMIT_AS, &limit));
    OK(mmap(NULL, 128 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    OK(mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    OK(mmap(NULL, 128ul << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    char *end = (char *)syscall(SYS_brk, 0);
    IS((char *)syscall(SYS_brk, end + (128 << 20)) == end);
    IS(malloc(200 << 20) == NULL);
    SHOW(errno);
    return 0;
}
