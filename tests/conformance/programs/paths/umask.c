/* umask(2): for files, directories, pipes; inherited. */
#include "check.h"
static void heir(void) { SHOW(umask(0)); }
int main(void)
{
    struct stat st;
    SHOW(umask(0));
    SHOW(umask(077));
    close(file_of("f", ""));
    SHOW(mkdir("d", 0777));
    SHOW(mkfifo("p", 0666));
    SHOW((stat("f", &st), st.st_mode & 07777));
    SHOW((stat("d", &st), st.st_mode & 07777));
    SHOW((stat("p", &st), st.st_mode & 07777));
    SHOW(umask(07777));
    SHOW(umask(-1));
    child(heir);
    return 0;
}
