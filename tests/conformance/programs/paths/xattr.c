/* setxattr(2) and its family, on the names users may give. */
#include "check.h"
#include <sys/xattr.h>
int main(void)
{
    char room[64] = "";
    int fd = file_of("f", "");
    SHOW(setxattr("f", "user.a", "value", 5, 0));
    SHOW(getxattr("f", "user.a", room, sizeof room));
    TEXT(room);
    SHOW(getxattr("f", "user.a", NULL, 0));
    SHOW(getxattr("f", "user.a", room, 2));
    SHOW(setxattr("f", "user.a", "other", 5, XATTR_CREATE));
    SHOW(setxattr("f", "user.b", "other", 5, XATTR_REPLACE));
    SHOW(fsetxattr(fd, "user.b", "", 0, XATTR_CREATE));
    SHOW(fgetxattr(fd, "user.b", room, sizeof room));
    SHOW(flistxattr(fd, NULL, 0));
    SHOW(listxattr("f", room, 2));
    SHOW(listxattr("f", room, sizeof room));
    SHOW(fremovexattr(fd, "user.b"));
    SHOW(removexattr("f", "user.b"));
    SHOW(getxattr("f", "user.none", room, sizeof room));
    SHOW(setxattr("f", "user.", "x", 1, 0));
    SHOW(setxattr("f", "", "x", 1, 0));
    SHOW(setxattr("f", "nothing.a", "x", 1, 0));
    SHOW(setxattr("f", "user.a", BAD, 1, 0));
    SHOW(setxattr("f", BAD, "x", 1, 0));
    SHOW(setxattr("f", "user.a", "x", 1, 7));
    SHOW(setxattr("missing", "user.a", "x", 1, 0));
    SHOW(setxattr("f", "user.a", room, 1 << 20, 0));
    SHOW(fgetxattr(-1, "user.a", room, sizeof room));
    SHOW(symlink("f", "l"));
    SHOW(lgetxattr("l", "user.a", room, sizeof room));
    SHOW(lsetxattr("l", "user.a", "x", 1, 0));
    SHOW(llistxattr("l", room, sizeof room));
    SHOW(lremovexattr("l", "user.a"));
    return 0;
}
