/* Trailing slashes, dots, doubled slashes. */
#include "check.h"
int main(void)
{
    close(file_of("f", "x"));
    SHOW(mkdir("d///", 0755));
    SHOW(access("d/", F_OK));
    SHOW(access("d/.", F_OK));
    SHOW(access("./d/../d//./../f", F_OK));
    SHOW(access("//w//f", F_OK));
    OK(open("f/", O_RDONLY));
    OK(open("new/", O_RDWR | O_CREAT, 0600));
    SHOW(symlink("d", "l"));
    SHOW(rename("f", "g/"));
    SHOW(rename("d/", "e/"));
    SHOW(link("f", "h/"));
    SHOW(symlink("f", "s/"));
    SHOW(mkdir("l/", 0755));
    SHOW(unlink("l/"));
    SHOW(rmdir("e/"));
    return 0;
}
