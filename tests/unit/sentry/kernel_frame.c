/*
 * Shows the frame that this host's kernel makes for a signal handler.
 *   kernel_frame layout          name and number, a line each: offsets and sizes of <asm/ucontext.h> and its like
 *   kernel_frame stack|altstack  on standard output: address of the frame, of its fpstate, size of that; frame; fpstate
 */
#include <stddef.h>
#include <asm/signal.h>
#include <asm/siginfo.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>

typedef struct ucontext context_t;
struct frame {
    char *pretcode;
    context_t uc;
    siginfo_t info;
};
struct action {
    void (*handler)(int, siginfo_t *, context_t *);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
};

int printf(const char *, ...);
long write(int, const void *, unsigned long);
long syscall(long, ...);
void _exit(int) __attribute__((noreturn));
int strcmp(const char *, const char *);

static char space[65536] __attribute__((aligned(64)));

static void
on_signal(int sig, siginfo_t *info, context_t *uc)
{
    struct frame *frame = (struct frame *)((char *)uc - offsetof(struct frame, uc));
    struct _fpstate_64 *state = (void *)uc->uc_mcontext.fpstate;
    unsigned long head[] = {(unsigned long)frame, (unsigned long)state, state->sw_reserved.extended_size};
    (void)sig, (void)info;
    write(1, head, sizeof head);
    write(1, frame, sizeof *frame);
    write(1, state, head[2]);
    _exit(0);
}

#define OFFSET(member) printf(#member " %lu\n", (unsigned long)offsetof(struct frame, member))
#define REGISTER(member, name) printf(name " %lu\n", (unsigned long)offsetof(struct frame, uc.uc_mcontext.member))

static void
layout(void)
{
    OFFSET(uc);
    OFFSET(info);
    OFFSET(uc.uc_mcontext);
    OFFSET(uc.uc_sigmask);
    OFFSET(uc.uc_stack);
    REGISTER(r8, "r8");
    REGISTER(r15, "r15");
    REGISTER(rdi, "rdi");
    REGISTER(rbp, "rbp");
    REGISTER(rax, "rax");
    REGISTER(rsp, "rsp");
    REGISTER(rip, "rip");
    REGISTER(eflags, "rflags");
    REGISTER(cs, "cs");
    REGISTER(ss, "ss");
    REGISTER(err, "err");
    REGISTER(trapno, "trapno");
    REGISTER(oldmask, "oldmask");
    REGISTER(cr2, "cr2");
    REGISTER(fpstate, "fpstate");
    printf("frame %lu\n", (unsigned long)sizeof(struct frame));
    printf("siginfo %lu\n", (unsigned long)sizeof(siginfo_t));
    printf("si_addr %lu\n", (unsigned long)offsetof(siginfo_t, si_addr));
    printf("stack %lu\n", (unsigned long)sizeof(stack_t));
    printf("sw_reserved %lu\n", (unsigned long)offsetof(struct _fpstate_64, sw_reserved));
    printf("sw_bytes %lu\n", (unsigned long)sizeof(struct _fpx_sw_bytes));
    printf("xfeatures %lu\n", (unsigned long)offsetof(struct _fpx_sw_bytes, xfeatures));
    printf("xstate_size %lu\n", (unsigned long)offsetof(struct _fpx_sw_bytes, xstate_size));
}

int
main(int count, char **words)
{
    int other = count > 1 && strcmp(words[1], "altstack") == 0;
    struct action action = {on_signal, SA_SIGINFO | SA_RESTORER | (other ? SA_ONSTACK : 0), (void (*)(void))_exit, 0};
    stack_t stack = {.ss_sp = space, .ss_size = sizeof space};

    if (count < 2 || strcmp(words[1], "layout") == 0) {
        layout();
        return 0;
    }
    if (other)
        syscall(131, &stack, 0);
    unsigned long none = 0;
    syscall(14, SIG_SETMASK, &none, 0, 8);
    syscall(13, 10, &action, 0, 8);
    syscall(200, syscall(186), 10); /* tkill(gettid(), SIGUSR1) */
    return 1;
}
