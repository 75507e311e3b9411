/* uname(2), gethostname(2), sysinfo(2), sethostname(2). */
#include "check.h"
#include <sys/sysinfo.h>
#include <sys/utsname.h>
int main(void)
{
    struct utsname name;
    struct sysinfo info;
    char room[64];
    SHOW(uname(&name));
    TEXT(name.sysname);
    TEXT(name.nodename);
    TEXT(name.machine);
    IS(atoi(name.release) >= 4);
    SHOW(uname(BAD));
    SHOW(gethostname(room, 64));
    TEXT(room);
    SHOW(sysinfo(&info));
    IS(info.uptime > 0 && info.totalram > 0 && info.freeram <= info.totalram && info.procs > 0 && info.mem_unit > 0);
    SHOW(sysinfo(BAD));
    SHOW(sysconf(_SC_PAGESIZE));
    SHOW(sysconf(_SC_CLK_TCK));
    return 0;
}
