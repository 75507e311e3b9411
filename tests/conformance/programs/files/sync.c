/* fsync(2), fdatasync(2), sync_file_range(2), syncfs(2), sync(2), readahead(2), posix_fadvise(2). */
#include "check.h"
int main(void)
{
    int fd = file_of("f", "data"), pipes[2];
    SHOW(pipe(pipes));
    SHOW(fsync(fd));
    SHOW(fdatasync(fd));
    SHOW(fsync(-1));
    SHOW(fsync(pipes[0]));
    SHOW(sync_file_range(fd, 0, 4, SYNC_FILE_RANGE_WRITE));
    SHOW(sync_file_range(fd, 0, 4, 0x100));
    SHOW(sync_file_range(pipes[0], 0, 4, SYNC_FILE_RANGE_WRITE));
    SHOW(syncfs(fd));
    SHOW(syncfs(-1));
    SHOW(readahead(fd, 0, 4));
    SHOW(readahead(-1, 0, 4));
    RC(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
    RC(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    RC(posix_fadvise(fd, 0, 0, 99));
    RC(posix_fadvise(pipes[0], 0, 0, POSIX_FADV_NORMAL));
    RC(posix_fadvise(-1, 0, 0, POSIX_FADV_NORMAL));
    return 0;
}
