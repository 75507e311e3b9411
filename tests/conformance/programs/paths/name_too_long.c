/* Names of 255 and paths of 4095 bytes at most. */
#include "check.h"
int main(void)
{
    static char name[257], path[5000];
    struct stat st;
    memset(name, 'n', 256);
    SHOW(stat(name, &st));
    name[255] = 0;
    SHOW(stat(name, &st));
    SHOW(mkdir(name, 0755));
    SHOW(rmdir(name));
    memset(path, '/', sizeof path);
    path[4095] = 0;
    SHOW(stat(path, &st));
    path[4095] = '/', path[4096] = 0;
    SHOW(stat(path, &st));
    for (int i = 0; i < 4095; i++)
        path[i] = i % 2 ? '/' : '.';
    path[4095] = 0;
    SHOW(stat(path, &st));
    for (int i = 0; i < 20; i++) {
        if (mkdir("deep-directory-deep-directory-deep-directory-deep-directory", 0755) || chdir("deep-directory-deep-directory-deep-directory-deep-directory"))
            return 1;
    }
    SHOW(strlen(getcwd(path, sizeof path)));
    SHOW(syscall(SYS_getcwd, path, 100));
    return 0;
}
