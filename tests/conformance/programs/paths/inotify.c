/* inotify(7): events of files and directories, in order; moves have one cookie; errors. */
#include "check.h"
#include <sys/inotify.h>
static int fd;
static void drain(void)
{
    _Alignas(8) char room[4096];
    unsigned cookie = 0;
    ssize_t got = read(fd, room, sizeof room);
    for (ssize_t at = 0; at < got;) {
        struct inotify_event *e = (void *)(room + at);
        printf("  wd %d mask %#x name %s%s\n", e->wd, e->mask, e->len ? e->name : "-",
               e->cookie ? e->cookie == cookie ? " same cookie" : " cookie" : "");
        cookie = e->cookie;
        at += sizeof *e + e->len;
    }
    if (got < 0)
        printf("  %s\n", strerrorname_np(errno));
}
int main(void)
{
    fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    SHOW(mkdir("d", 0755));
    SHOW(inotify_add_watch(fd, "d", IN_ALL_EVENTS));
    drain();
    int file = open("d/f", O_RDWR | O_CREAT, 0644);
    SHOW(write(file, "x", 1) + close(file));
    drain();
    SHOW(rename("d/f", "d/g"));
    drain();
    SHOW(inotify_add_watch(fd, "d/g", IN_ATTRIB | IN_DELETE_SELF));
    SHOW(chmod("d/g", 0600));
    drain();
    SHOW(unlink("d/g"));
    drain();
    SHOW(mkdir("d/sub", 0755) | rmdir("d/sub"));
    drain();
    SHOW(inotify_rm_watch(fd, 1));
    drain();
    SHOW(inotify_rm_watch(fd, 1));
    SHOW(inotify_add_watch(fd, "missing", IN_MODIFY));
    SHOW(inotify_add_watch(fd, "d", 0));
    SHOW(inotify_add_watch(0, "d", IN_MODIFY));
    SHOW(inotify_add_watch(-1, "d", IN_MODIFY));
    SHOW(inotify_add_watch(fd, BAD, IN_MODIFY));
    SHOW(inotify_add_watch(fd, "d", IN_MODIFY | IN_ONLYDIR));
    SHOW(inotify_add_watch(fd, "d", IN_OPEN | IN_MASK_ADD));
    SHOW(read(fd, (char[4]){0}, 4));
    OK(inotify_init1(0x1));
    return 0;
}
