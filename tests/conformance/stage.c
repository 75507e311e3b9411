/* What a conformance case runs in, natively or in a guest: an overlay, and a container's namespaces.
 *
 *   stage overlay LOWER SCRATCH COMMAND...   a private mount namespace with SCRATCH/root = LOWER + SCRATCH/upper, and COMMAND
 *   stage enter ROOT CWD UID GID COMMAND...  COMMAND as process 1 of fresh pid, mount, ipc, uts and net namespaces with
 *                                            /proc, /sys and a small /dev, as a guest has them; ends as COMMAND ended
 *
 * Everything dies with its parent: whoever kills the first process has killed all of them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The capabilities a container has by default (moby, oci/caps/defaults.go). */
#define KEPT ((1ull << CAP_CHOWN) | (1ull << CAP_DAC_OVERRIDE) | (1ull << CAP_FSETID) | (1ull << CAP_FOWNER) | \
              (1ull << CAP_MKNOD) | (1ull << CAP_NET_RAW) | (1ull << CAP_SETGID) | (1ull << CAP_SETUID) | \
              (1ull << CAP_SETFCAP) | (1ull << CAP_SETPCAP) | (1ull << CAP_NET_BIND_SERVICE) | \
              (1ull << CAP_SYS_CHROOT) | (1ull << CAP_KILL) | (1ull << CAP_AUDIT_WRITE))

static void must(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "stage: %s: %s\n", what, strerror(errno));
        _exit(125);
    }
}

static const char *text(const char *format, ...)
{
    static char room[8][4096];
    static int next;
    char *out = room[next++ % 8];
    va_list rest;
    va_start(rest, format);
    vsnprintf(out, 4096, format, rest);
    va_end(rest);
    return out;
}

static void overlay(const char *lower, const char *scratch)
{
    const char *root = text("%s/root", scratch);
    must(unshare(CLONE_NEWNS) == 0, "unshare");
    must(mount("", "/", "", MS_REC | MS_PRIVATE, 0) == 0, "private");
    mkdir(text("%s/upper", scratch), 0755);
    mkdir(text("%s/work", scratch), 0755);
    mkdir(root, 0755);
    const char *options = text("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", lower, scratch, scratch);
    must(mount("overlay", root, "overlay", 0, options) == 0, options);
}

static void devices(const char *root)
{
    static const char *names[] = {"null", "zero", "full", "random", "urandom", "tty"};
    static const char *links[][2] = {{"/proc/self/fd", "fd"}, {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
                                     {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"}};
    must(mount("tmpfs", text("%s/dev", root), "tmpfs", MS_NOSUID, "mode=755,size=65536k") == 0, "/dev");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *to = text("%s/dev/%s", root, names[i]);
        struct stat model;
        must(stat(text("/dev/%s", names[i]), &model) == 0 && mknod(to, S_IFCHR, model.st_rdev) == 0, to);
        must(chmod(to, 0666) == 0, to);
    }
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        symlink(links[i][0], text("%s/dev/%s", root, links[i][1]));
    mkdir(text("%s/dev/pts", root), 0755);
    mkdir(text("%s/dev/shm", root), 01777);
    must(mount("devpts", text("%s/dev/pts", root), "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620") == 0,
         "/dev/pts");
    must(mount("tmpfs", text("%s/dev/shm", root), "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=65536k") == 0, "/dev/shm");
}

static void loopback_up(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    must(fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0, "lo");
    close(fd);
}

static void pivot(const char *root)
{
    must(mount(root, root, "", MS_BIND | MS_REC, 0) == 0, "bind");
    must(chdir(root) == 0 && syscall(SYS_pivot_root, ".", ".") == 0, "pivot_root");
    must(umount2(".", MNT_DETACH) == 0 && chdir("/") == 0, "umount");
}

static void become(uid_t uid, gid_t gid)
{
    for (int cap = 0; cap <= 63; cap++)
        if (!(KEPT >> cap & 1))
            prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    must(setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0, "setuid");
    if (uid == 0) {
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[2];
        for (int half = 0; half < 2; half++)
            data[half].effective = data[half].permitted = KEPT >> (32 * half), data[half].inheritable = 0;
        must(syscall(SYS_capset, &header, data) == 0, "capset");
    }
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
}

static int ended(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        must(errno == EINTR, "wait");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A guest starts with no signal ignored or blocked; what we inherit is anybody's. The C library keeps two to itself. */
static void defaults(void)
{
    struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } action = {0};
    unsigned long none = 0;
    for (int number = 1; number <= 64; number++)
        syscall(SYS_rt_sigaction, number, &action, 0, sizeof none);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof none);
}

static int enter(char **argv)
{
    const char *root = argv[0], *cwd = argv[1];
    uid_t uid = atoi(argv[2]);
    gid_t gid = atoi(argv[3]);
    struct rlimit none = {0, 0};
    umask(022);
    setrlimit(RLIMIT_CORE, &none);
    must(mkdir(text("%s%s", root, cwd), 0777) == 0 || errno == EEXIST, cwd);
    chmod(text("%s%s", root, cwd), 0777);
    must(unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET) == 0, "unshare");
    must(mount("", "/", "", MS_REC | MS_PRIVATE, 0) == 0, "private");
    pid_t init = fork();
    must(init >= 0, "fork");
    if (init)
        return ended(init);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    must(mount("proc", text("%s/proc", root), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "") == 0, "/proc");
    must(mount("sysfs", text("%s/sys", root), "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "") == 0, "/sys");
    devices(root);
    pivot(root);
    must(sethostname("guest", 5) == 0, "sethostname");
    loopback_up();
    become(uid, gid);
    must(chdir(cwd) == 0, cwd);
    defaults();
    /* execve(2) keeps what the flags of the alternate stack were, which in a thread's child are others. */
    static char alternate[1 << 16];
    must(sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = sizeof alternate}, NULL) == 0, "sigaltstack");
    execvp(argv[4], argv + 4);
    fprintf(stderr, "stage: %s: %s\n", argv[4], strerror(errno));
    return 127;
}

int main(int argc, char **argv)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (argc >= 5 && strcmp(argv[1], "overlay") == 0) {
        overlay(argv[2], argv[3]);
        execvp(argv[4], argv + 4);
        must(0, argv[4]);
    }
    if (argc >= 7 && strcmp(argv[1], "enter") == 0)
        return enter(argv + 2);
    fprintf(stderr, "usage: stage overlay LOWER SCRATCH COMMAND... | stage enter ROOT CWD UID GID COMMAND...\n");
    return 2;
}
