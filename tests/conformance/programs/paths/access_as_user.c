/* Permissions, for one who is not root. @user 1000 */
#include "check.h"
int main(void)
{
    SHOW(getuid());
    SHOW(access("/etc/passwd", R_OK));
    SHOW(access("/etc/passwd", W_OK));
    OK(open("/etc/passwd", O_WRONLY));
    OK(open("/etc/new", O_WRONLY | O_CREAT, 0600));
    SHOW(mkdir("/new", 0755));
    SHOW(unlink("/etc/passwd"));
    SHOW(rename("/etc/passwd", "/etc/other"));
    SHOW(chmod("/etc/passwd", 0777));
    SHOW(chown("/etc/passwd", 1000, 1000));
    SHOW(truncate("/etc/passwd", 0));
    close(file_of("mine", "x"));
    SHOW(chmod("mine", 0));
    OK(open("mine", O_RDONLY));
    SHOW(access("mine", R_OK));
    SHOW(mkdir("locked", 0700));
    close(file_of("locked/f", "x"));
    SHOW(chmod("locked", 0));
    struct stat st;
    SHOW(stat("locked/f", &st));
    SHOW(chdir("locked"));
    SHOW(chmod("locked", 0400));
    SHOW(stat("locked/f", &st));
    OK(open("locked", O_RDONLY | O_DIRECTORY));
    SHOW(chmod("locked", 0100));
    SHOW(stat("locked/f", &st));
    OK(open("locked", O_RDONLY | O_DIRECTORY));
    SHOW(unlink("locked/f"));
    SHOW(chown("mine", 0, 0));
    SHOW(chown("mine", 1000, 1000));
    SHOW(mknod("node", S_IFCHR | 0600, 0x103));
    SHOW(chroot("."));
    return chmod("locked", 0700);
}
