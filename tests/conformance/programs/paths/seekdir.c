/* telldir(3), seekdir(3): back to a place; names made and removed while reading. */
#include "check.h"
#include <dirent.h>
int main(void)
{
    char name[300], seen[301] = "";
    SHOW(mkdir("d", 0755));
    for (int i = 0; i < 300; i++)
        sprintf(name, "d/file-%03d", i), close(file_of(name, ""));
    DIR *dir = opendir("d");
    long place = 0;
    char *at = NULL;
    for (int i = 0; i < 150; i++) {
        if (i == 100)
            place = telldir(dir);
        struct dirent *e = readdir(dir);
        if (i == 100)
            at = strdup(e->d_name);
    }
    seekdir(dir, place);
    IS(strcmp(readdir(dir)->d_name, at) == 0);
    rewinddir(dir);
    int all = 0;
    for (struct dirent *e; (e = readdir(dir)); all++)
        if (e->d_name[0] == 'f') {
            seen[atoi(e->d_name + 5)]++;
            sprintf(name, "d/%s", e->d_name);
            unlink(name);
        }
    SHOW(all);
    int once = 0;
    for (int i = 0; i < 300; i++)
        once += seen[i] == 1;
    SHOW(once);
    SHOW(rmdir("d"));
    return 0;
}
