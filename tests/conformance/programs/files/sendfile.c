/* sendfile(2): file to file, pipe and socket; with and without an offset; errors. */
#include "check.h"
#include <sys/sendfile.h>
#include <sys/socket.h>
int main(void)
{
    char room[32] = "";
    int in = file_of("in", "0123456789"), out = file_of("out", ""), pipes[2], pair[2];
    off_t offset = 3;
    SHOW(pipe(pipes));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    SHOW(sendfile(out, in, &offset, 4));
    SHOW(offset);
    SHOW(lseek(in, 0, SEEK_CUR));
    show_file("out");
    SHOW(sendfile(pipes[1], in, NULL, 100));
    SHOW(lseek(in, 0, SEEK_CUR));
    SHOW(read(pipes[0], room, 31));
    TEXT(room);
    offset = 0;
    SHOW(sendfile(pair[0], in, &offset, 5));
    SHOW(read(pair[1], room, 31));
    SHOW(sendfile(out, in, NULL, 10));
    SHOW(sendfile(out, pipes[0], NULL, 10));
    SHOW(sendfile(-1, in, NULL, 10));
    SHOW(sendfile(out, -1, NULL, 10));
    SHOW(sendfile(out, in, BAD, 10));
    offset = -1;
    SHOW(sendfile(out, in, &offset, 10));
    int append = open("out", O_WRONLY | O_APPEND);
    SHOW(sendfile(append, in, NULL, 10));
    return 0;
}
