/* statfs(2), fstatfs(2), statvfs(3). */
#include "check.h"
#include <sys/statvfs.h>
#include <sys/vfs.h>
int main(void)
{
    struct statfs fs;
    struct statvfs vfs;
    SHOW(statfs("/w", &fs));
    IS(fs.f_bsize > 0 && fs.f_blocks > 0 && fs.f_bfree <= fs.f_blocks);
    SHOW(fs.f_namelen);
    SHOW(statfs("/proc", &fs));
    HEX(fs.f_type);
    SHOW(statfs("/dev/shm", &fs));
    HEX(fs.f_type);
    SHOW(statfs("/missing", &fs));
    SHOW(statfs(BAD, &fs));
    SHOW(statfs("/", BAD));
    SHOW(fstatfs(1000, &fs));
    SHOW(fstatfs(open("/w", O_RDONLY), &fs));
    SHOW(statvfs("/", &vfs));
    IS(vfs.f_frsize > 0);
    return 0;
}
