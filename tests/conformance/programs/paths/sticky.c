/* A sticky directory: who may delete what in it. */
#include "check.h"
static void other(void)
{
    SHOW(setgid(1000) | setuid(1000));
    SHOW(unlink("shared/root"));
    SHOW(rename("shared/root", "shared/taken"));
    OK(open("shared/mine", O_CREAT | O_WRONLY, 0644));
    SHOW(rename("shared/mine", "shared/renamed"));
    SHOW(unlink("shared/renamed"));
}
int main(void)
{
    SHOW(mkdir("shared", 0777));
    SHOW(chmod("shared", 01777));
    close(file_of("shared/root", ""));
    child(other);
    SHOW(unlink("shared/root"));
    return 0;
}
