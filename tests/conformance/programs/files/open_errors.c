/* open(2), openat(2): every error that can be had without other users. */
#include "check.h"
int main(void)
{
    char name[300];
    int fd = file_of("f", "x");
    memset(name, 'a', sizeof name);
    name[299] = 0;
    OK(open("missing", O_RDONLY));
    OK(open("", O_RDONLY));
    OK(open("f/x", O_RDONLY));
    OK(open("missing/x", O_RDWR | O_CREAT, 0600));
    OK(open("f", O_DIRECTORY));
    OK(open(name, O_RDONLY));
    OK(open(name, O_RDWR | O_CREAT, 0600));
    OK(open(BAD, O_RDONLY));
    OK(open(KERNEL, O_RDONLY));
    OK(open(NULL, O_RDONLY));
    OK(openat(-1, "f", O_RDONLY));
    OK(openat(999, "f", O_RDONLY));
    OK(openat(fd, "f", O_RDONLY));
    OK(openat(-1, "/w/f", O_RDONLY));
    SHOW(symlink("loop", "loop"));
    OK(open("loop", O_RDONLY));
    OK(open("loop", O_RDONLY | O_NOFOLLOW));
    SHOW(symlink("f", "link"));
    OK(open("link", O_RDONLY | O_NOFOLLOW));
    SHOW(symlink("gone", "dangling"));
    OK(open("dangling", O_RDONLY));
    OK(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0600));
    OK(open("dangling", O_RDWR | O_CREAT, 0600));
    OK(open("gone", O_RDONLY));
    OK(open("/", O_WRONLY));
    OK(open("/proc/self/missing", O_RDONLY));
    return 0;
}
