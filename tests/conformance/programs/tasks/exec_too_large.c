/* A program whose memory cannot be had: the old program is gone by then, and so the process ends. */
#include "check.h"
#include <elf.h>
#include <sys/sendfile.h>
static void too_large(const char *name, uint64_t more)
{
    int from = open("/proc/self/exe", O_RDONLY), to = open(name, O_RDWR | O_CREAT | O_TRUNC, 0755);
    struct stat about;
    fstat(from, &about);
    while (sendfile(to, from, NULL, about.st_size) > 0)
        ;
    Elf64_Ehdr head;
    pread(to, &head, sizeof head, 0);
    for (int i = 0; i < head.e_phnum; i++) {
        Elf64_Phdr part;
        off_t at = head.e_phoff + i * sizeof part;
        pread(to, &part, sizeof part, at);
        if (part.p_type == PT_LOAD && part.p_flags & PF_W) {
            part.p_memsz += more;
            pwrite(to, &part, sizeof part, at);
        }
    }
    close(from), close(to);
}
int main(void)
{
    too_large("large", 1ul << 45);
    pid_t pid = fork();
    if (pid == 0) {
        execl("large", "large", NULL);
        printf("%s\n", strerrorname_np(errno));
        _exit(1);
    }
    reap("program", pid);
    unlink("large");
    return 0;
}
