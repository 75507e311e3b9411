/* Extended attributes by descriptor and of links themselves: lsetxattr(2) and its like. */
#include "check.h"
#include <sys/xattr.h>
int main(void)
{
    char room[64] = "";
    int fd = file_of("f", "");
    SHOW(symlink("f", "link"));
    SHOW(lsetxattr("f", "user.a", "one", 3, XATTR_CREATE));
    SHOW(lsetxattr("f", "user.a", "two", 3, XATTR_CREATE));
    SHOW(lsetxattr("link", "user.a", "two", 3, 0));
    SHOW(lsetxattr("missing", "user.a", "two", 3, 0));
    SHOW(lgetxattr("f", "user.a", room, sizeof room));
    TEXT(room);
    SHOW(lgetxattr("f", "user.a", room, 2));
    SHOW(lgetxattr("f", "user.missing", room, 2));
    SHOW(lgetxattr("link", "user.a", room, sizeof room));
    SHOW(fsetxattr(fd, "user.b", "three", 5, XATTR_REPLACE));
    SHOW(fsetxattr(fd, "user.b", "three", 5, 0));
    SHOW(fsetxattr(99, "user.b", "three", 5, 0));
    SHOW(fgetxattr(fd, "user.b", NULL, 0));
    SHOW(fgetxattr(99, "user.b", NULL, 0));
    SHOW(llistxattr("f", room, sizeof room) > 0);
    SHOW(llistxattr("missing", room, sizeof room));
    SHOW(flistxattr(fd, room, sizeof room));
    SHOW(flistxattr(fd, room, 1));
    SHOW(flistxattr(99, room, 1));
    SHOW(lremovexattr("f", "user.a"));
    SHOW(lremovexattr("f", "user.a"));
    SHOW(fremovexattr(fd, "user.b"));
    SHOW(fremovexattr(fd, "user.b"));
    SHOW(fremovexattr(99, "user.b"));
    SHOW(llistxattr("f", room, sizeof room));
    return 0;
}
