/* copy_file_range(2): between files, within one, past the end, errors. */
#include "check.h"
int main(void)
{
    int in = file_of("in", "0123456789"), out = file_of("out", ""), pipes[2];
    off_t from = 2, to = 5;
    SHOW(pipe(pipes));
    SHOW(copy_file_range(in, NULL, out, NULL, 4, 0));
    SHOW(lseek(in, 0, SEEK_CUR));
    SHOW(copy_file_range(in, &from, out, &to, 100, 0));
    SHOW(from);
    SHOW(to);
    SHOW(lseek(out, 0, SEEK_CUR));
    SHOW(copy_file_range(in, &from, out, NULL, 100, 0));
    from = 0, to = 4;
    SHOW(copy_file_range(in, &from, in, &to, 4, 0));
    from = 0, to = 2;
    SHOW(copy_file_range(in, &from, in, &to, 4, 0));
    show_file("in");
    SHOW(copy_file_range(in, NULL, out, NULL, 4, 1));
    SHOW(copy_file_range(in, NULL, pipes[1], NULL, 4, 0));
    SHOW(copy_file_range(-1, NULL, out, NULL, 4, 0));
    SHOW(copy_file_range(in, BAD, out, NULL, 4, 0));
    SHOW(copy_file_range(in, NULL, open(".", O_RDONLY), NULL, 4, 0));
    return 0;
}
