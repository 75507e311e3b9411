/* renameat2(2): RENAME_NOREPLACE, RENAME_EXCHANGE. */
#include "check.h"
int main(void)
{
    close(file_of("a", "a"));
    close(file_of("b", "b"));
    SHOW(mkdir("d", 0755));
    SHOW(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "c", AT_FDCWD, "b", RENAME_EXCHANGE));
    show_file("b");
    show_file("c");
    SHOW(renameat2(AT_FDCWD, "b", AT_FDCWD, "d", RENAME_EXCHANGE));
    SHOW(rmdir("b"));
    SHOW(renameat2(AT_FDCWD, "c", AT_FDCWD, "missing", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "c", AT_FDCWD, "d", RENAME_EXCHANGE | RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "c", AT_FDCWD, "d", 0x100));
    SHOW(renameat2(-1, "c", AT_FDCWD, "d", 0));
    return 0;
}
