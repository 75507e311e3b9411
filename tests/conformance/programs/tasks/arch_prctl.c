/* arch_prctl(2): the FS and GS bases. */
#include "check.h"
#include <asm/prctl.h>
static int value = 77;
int main(void)
{
    unsigned long fs = 0, gs = 1, read = 0;
    SHOW(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs));
    IS(fs == *(unsigned long *)fs);
    SHOW(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs));
    SHOW(gs);
    SHOW(syscall(SYS_arch_prctl, ARCH_SET_GS, &value));
    __asm__ volatile("movl %%gs:0, %k0" : "=r"(read));
    SHOW(read);
    SHOW(getppid() == 0);
    __asm__ volatile("movl %%gs:0, %k0" : "=r"(read));
    SHOW(read);
    SHOW(syscall(SYS_arch_prctl, ARCH_GET_GS, BAD));
    SHOW(syscall(SYS_arch_prctl, ARCH_SET_GS, KERNEL));
    SHOW(syscall(SYS_arch_prctl, 0x9999, 0));
    return 0;
}
