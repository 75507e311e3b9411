/* The at-calls: relative to a directory's descriptor, also after it was moved. */
#include "check.h"
int main(void)
{
    struct stat st;
    int dir, path;
    SHOW(mkdir("d", 0755));
    OK(dir = open("d", O_RDONLY));
    OK(path = open("d", O_PATH));
    int fd = openat(dir, "f", O_RDWR | O_CREAT, 0644);
    SHOW(write(fd, "in d", 4));
    SHOW(rename("d", "e"));
    OK(openat(dir, "f", O_RDONLY));
    OK(openat(path, "f", O_RDONLY));
    OK(openat(dir, "../e/f", O_RDONLY));
    OK(openat(dir, "/w/e/f", O_RDONLY));
    SHOW(fstatat(path, "f", &st, 0));
    SHOW(st.st_size);
    SHOW(fstatat(path, "", &st, AT_EMPTY_PATH));
    IS(S_ISDIR(st.st_mode));
    SHOW(fchdir(path));
    show_file("f");
    SHOW(mkdirat(path, "sub", 0755));
    SHOW(linkat(path, "f", dir, "sub/g", 0));
    SHOW(unlinkat(dir, "f", 0));
    show_file("sub/g");
    return 0;
}
