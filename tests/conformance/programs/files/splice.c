/* splice(2), tee(2), vmsplice(2). */
#include "check.h"
int main(void)
{
    char room[32] = "";
    int in = file_of("in", "0123456789"), out = file_of("out", ""), a[2], b[2];
    off64_t offset = 4;
    SHOW(pipe(a));
    SHOW(pipe(b));
    SHOW(splice(in, &offset, a[1], NULL, 4, 0));
    SHOW(offset);
    SHOW(tee(a[0], b[1], 100, 0));
    SHOW(read(b[0], room, 31));
    TEXT(room);
    SHOW(splice(a[0], NULL, out, NULL, 100, SPLICE_F_MOVE));
    show_file("out");
    SHOW(splice(a[0], NULL, out, NULL, 100, SPLICE_F_NONBLOCK));
    SHOW(tee(a[0], b[1], 100, SPLICE_F_NONBLOCK));
    SHOW(splice(in, NULL, out, NULL, 4, 0));
    SHOW(splice(a[0], &offset, out, NULL, 4, 0));
    SHOW(splice(-1, NULL, out, NULL, 4, 0));
    SHOW(splice(in, NULL, a[1], NULL, 4, 0x100));
    SHOW(splice(in, BAD, a[1], NULL, 4, 0));
    SHOW(tee(in, b[1], 4, 0));
    struct iovec vec[] = {{"vm", 2}, {"splice", 6}};
    SHOW(vmsplice(b[1], vec, 2, 0));
    memset(room, 0, sizeof room);
    SHOW(read(b[0], room, 31));
    TEXT(room);
    SHOW(vmsplice(in, vec, 2, 0));
    return 0;
}
