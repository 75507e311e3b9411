/* capget(2), capset(2): a container's capabilities; gone with root, kept on request. */
#include "check.h"
#include <linux/capability.h>
#include <sys/prctl.h>
static void show(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    SHOW(syscall(SYS_capget, &header, data));
    printf("  effective %#x %#x permitted %#x inheritable %#x\n", data[0].effective, data[1].effective, data[0].permitted, data[0].inheritable);
}
static void loses(void)
{
    SHOW(setuid(1000));
    show();
}
static void keeps(void)
{
    SHOW(prctl(PR_SET_KEEPCAPS, 1));
    SHOW(setuid(1000));
    show();
}
static void drops(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{1, 1, 0}, {0, 0, 0}};
    SHOW(syscall(SYS_capset, &header, data));
    show();
    close(file_of("mine", ""));
    SHOW(chown("mine", 5, 5));
    SHOW(setuid(1000));
    data[0].permitted = 3;
    SHOW(syscall(SYS_capset, &header, data));
}
int main(void)
{
    struct __user_cap_header_struct header = {0x1234, 0};
    struct __user_cap_data_struct data[2];
    show();
    child(loses);
    child(keeps);
    child(drops);
    SHOW(syscall(SYS_capget, &header, data));
    HEX(header.version);
    SHOW(syscall(SYS_capget, BAD, data));
    header.pid = 999999;
    SHOW(syscall(SYS_capget, &header, data));
    return 0;
}
