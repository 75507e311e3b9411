/* symlink(2), readlink(2): any text is a target; short buffers; errors. */
#include "check.h"
int main(void)
{
    char room[64] = "", name[5000];
    int dir;
    memset(name, 'a', sizeof name);
    name[4999] = 0;
    SHOW(symlink("anything at all", "l"));
    SHOW(readlink("l", room, sizeof room));
    TEXT(room);
    memset(room, 0, sizeof room);
    SHOW(readlink("l", room, 4));
    TEXT(room);
    SHOW(symlink("x", "l"));
    SHOW(symlink("", "e"));
    SHOW(symlink("x", ""));
    SHOW(symlink(name, "e"));
    SHOW(symlink("x", BAD));
    SHOW(symlink(BAD, "e"));
    name[4095] = 0;
    SHOW(symlink(name, "e"));
    SHOW(readlink("l", room, 0));
    SHOW(readlink("l", BAD, 8));
    SHOW(readlink("missing", room, 8));
    SHOW(readlink(".", room, 8));
    SHOW(mkdir("d", 0755));
    OK(dir = open("d", O_RDONLY));
    SHOW(symlinkat("..", dir, "up"));
    SHOW(readlinkat(dir, "up", room, 8));
    SHOW(access("d/up/d/up/l", F_OK));
    SHOW(access("d/up/d", F_OK));
    int link;
    OK(link = open("l", O_PATH | O_NOFOLLOW));
    memset(room, 0, sizeof room);
    SHOW(readlinkat(link, "", room, 63));
    TEXT(room);
    SHOW(readlinkat(-1, "l", room, 8));
    return 0;
}
