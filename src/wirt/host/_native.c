/*
 * wirt.host._native: what the monitor of a micro guest does thousands of times a second, and what Python cannot do at
 * all: raw system calls without the detour over errno, a blocking call that a signal interrupts without a race and
 * without being consumed, looks into guest memory, KVM_RUN. x86-64 Linux only. The stub _native.pyi says what each
 * function takes and returns; a result below zero is -errno, as the kernel gives it.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

#if !defined(__x86_64__) || !defined(__linux__)
#error "for x86-64 Linux only"
#endif

typedef uint64_t u64;
typedef uint32_t u32;

#define ALL_SIGNALS (~(u64)0)
#define LAST_SIGNAL 64
#define FIRST_REALTIME 32 /* of the kernel: glibc keeps 32 and 33 for itself, the guest's glibc does so too */
#define MARK_VALUE ((void *)&queue_again)

static inline __attribute__((always_inline)) long
raw(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    register u64 r10 __asm__("r10") = d;
    register u64 r8 __asm__("r8") = e;
    register u64 r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static void
set_mask(u64 mask)
{
    raw(SYS_rt_sigprocmask, SIG_SETMASK, (u64)&mask, 0, sizeof mask, 0, 0);
}

/*
 * long wirt_wait_call(const u64 *mask, const u64 call[7]): rt_sigprocmask(SIG_SETMASK, mask), then call[0] with the six
 * arguments after it, then everything blocked again. A signal that arrives in [wirt_wait_begin, wirt_wait_end) arrived
 * before the call was made, or at wirt_wait_again makes the kernel ask for it to be made again: the handler goes on at
 * wirt_wait_cancel, with one of enum ended in rax. From wirt_wait_end on the call has its result, and keeps it. (The way of musl's src/thread/x86_64/syscall_cp.s; here
 * the unblocking lies inside, so no flag is needed.)
 */
long wirt_wait_call(const u64 *mask, const u64 *call);
extern const char wirt_wait_begin[], wirt_wait_again[], wirt_wait_end[], wirt_wait_cancel[];
__asm__(".pushsection .text\n"
        ".hidden wirt_wait_call, wirt_wait_begin, wirt_wait_again, wirt_wait_end, wirt_wait_cancel\n"
        ".globl wirt_wait_call, wirt_wait_begin, wirt_wait_again, wirt_wait_end, wirt_wait_cancel\n"
        ".type wirt_wait_call, @function\n"
        "wirt_wait_call:\n"
        "    pushq %rbx\n"
        "    pushq $-1\n" /* the mask that blocks everything, at (%rsp) */
        "    movq %rsi, %rbx\n"
        "    movq %rdi, %rsi\n"
        "    movl $2, %edi\n" /* SIG_SETMASK */
        "    xorl %edx, %edx\n"
        "    movl $8, %r10d\n"
        "    movl $14, %eax\n" /* rt_sigprocmask */
        "wirt_wait_begin:\n"
        "    syscall\n"
        "    movq (%rbx), %rax\n"
        "    movq 8(%rbx), %rdi\n"
        "    movq 16(%rbx), %rsi\n"
        "    movq 24(%rbx), %rdx\n"
        "    movq 32(%rbx), %r10\n"
        "    movq 40(%rbx), %r8\n"
        "    movq 48(%rbx), %r9\n"
        "wirt_wait_again:\n"
        "    syscall\n"
        "wirt_wait_end:\n"
        "    movq %rax, %rbx\n"
        "    movl $2, %edi\n"
        "    movq %rsp, %rsi\n"
        "    xorl %edx, %edx\n"
        "    movl $8, %r10d\n"
        "    movl $14, %eax\n"
        "    syscall\n"
        "    movq %rbx, %rax\n"
        "    addq $8, %rsp\n"
        "    popq %rbx\n"
        "    ret\n"
        "wirt_wait_cancel:\n" /* the handler has blocked everything */
        "    addq $8, %rsp\n"
        "    popq %rbx\n"
        "    ret\n"
        ".size wirt_wait_call, . - wirt_wait_call\n"
        ".popsection\n");

/* Above all errors of the kernel's, MAX_ERRNO. */
enum ended { INTERRUPTED, TO_BE_RESTARTED, NOT_BEGUN, AS_RAX = 5000 };

static long
queue(int sig, siginfo_t *info)
{
    long process = raw(SYS_getpid, 0, 0, 0, 0, 0, 0), thread = raw(SYS_gettid, 0, 0, 0, 0, 0, 0);
    return raw(SYS_rt_tgsigqueueinfo, process, thread, sig, (u64)info, 0, 0);
}

/*
 * Makes a signal that was taken pending again. Realtime signals queue up, and those sent to this very thread behind it
 * wait already: a mark is set behind them, the signal follows it, and everything before the mark moves behind the
 * signal, so that the order is what it was.
 */
static void
queue_again(int sig, siginfo_t *info)
{
    siginfo_t mark = {.si_signo = sig, .si_code = SI_QUEUE}, taken;
    u64 only = (u64)1 << (sig - 1);
    struct timespec now = {0};

    mark.si_ptr = MARK_VALUE;
    int marked = sig >= FIRST_REALTIME && queue(sig, &mark) == 0;
    queue(sig, info);
    while (marked && raw(SYS_rt_sigtimedwait, (u64)&only, (u64)&taken, (u64)&now, sizeof only, 0, 0) == sig) {
        if (taken.si_code == SI_QUEUE && taken.si_ptr == MARK_VALUE)
            break;
        queue(sig, &taken);
    }
}

/*
 * The software processor this thread is running: one machine's, filled in by Python (wirt.vmm.software.engine). The
 * functions are libunicorn's. Runs begin at ``gate``, code that jumps to ``*target``, and a signal sets ``wanted`` and
 * stops the engine. What comes before the engine is under way it forgets; so the hook of the gate looks at ``wanted``.
 * Without a gate a hook looks at it wherever a block of code begins.
 */
struct emulator {
    void *engine;
    int (*start)(void *engine, u64 begin, u64 until, u64 timeout, size_t count);
    long (*stop)(void *engine);
    int (*read)(void *engine, const int *ids, void **values, int count);
    int (*write)(void *engine, int id, const void *value);
    int answer_ids[3]; /* what a call changes: rax, rcx, r11 */
    int flags_id;
    int read_ids[8]; /* rax, rdi, rsi, rdx, r10, r8, r9, rip */
    int wanted;      /* to stop */
    int event;       /* a vector, or one of: */
    int starting;    /* the gate was not yet passed */
    u64 gate;        /* where the guest has it; 0 for none */
    u64 *target;
};
enum { NO_EVENT = -1, CALL_EVENT = -2, GATE_EVENT = -3, PORT_EVENT = -4, STALE_EVENT = -5 };

/* Code that may change unseen: what it was, and is, when it was translated. */
struct watch {
    struct emulator *emulator;
    u64 start, size;
    const char *then, *now;
};

#define KICK LAST_SIGNAL /* of other threads': not made pending again, unless it carries more */
#define KICK_BIT ((u64)1 << (KICK - 1))

static __thread struct emulator *running;

static void
on_signal(int sig, siginfo_t *info, void *context)
{
    ucontext_t *at = context;
    greg_t *rip = &at->uc_mcontext.gregs[REG_RIP];
    u64 all = ALL_SIGNALS;

    if (!running || sig != KICK || info->si_code != SI_TKILL)
        queue_again(sig, info);
    if (running) {
        __atomic_store_n(&running->wanted, 1, __ATOMIC_RELAXED);
        if (running->gate)
            running->stop(running->engine);
    }
    memcpy(&at->uc_sigmask, &all, sizeof all);
    if (*rip >= (greg_t)wirt_wait_begin && *rip < (greg_t)wirt_wait_end) {
        enum ended ended = *rip == (greg_t)wirt_wait_again ? TO_BE_RESTARTED : NOT_BEGUN;
        at->uc_mcontext.gregs[REG_RAX] = -(greg_t)(AS_RAX + ended);
        *rip = (greg_t)wirt_wait_cancel;
    }
}

/* The kernel's struct sigaction: glibc's function refuses signals 32 and 33. */
struct action {
    void (*handler)(int, siginfo_t *, void *);
    u64 flags;
    void (*restorer)(void);
    u64 mask;
};
#define HAS_RESTORER 0x04000000

void wirt_sigreturn(void);
__asm__(".pushsection .text\n"
        ".hidden wirt_sigreturn\n"
        ".globl wirt_sigreturn\n"
        ".type wirt_sigreturn, @function\n"
        "wirt_sigreturn:\n"
        "    movl $15, %eax\n"
        "    syscall\n"
        ".size wirt_sigreturn, . - wirt_sigreturn\n"
        ".popsection\n");

enum how { TO_US, TO_DEFAULT, TO_NOTHING };

#define FLAGS_GIVEN (SA_RESTART | SA_NOCLDSTOP | SA_NOCLDWAIT)

static long
dispose(int sig, enum how how, u64 flags)
{
    struct action action = {
        .flags = SA_SIGINFO | HAS_RESTORER | (flags & FLAGS_GIVEN), .restorer = wirt_sigreturn, .mask = ALL_SIGNALS};

    if (how == TO_US)
        action.handler = on_signal;
    else
        memcpy(&action.handler, &(void *){how == TO_DEFAULT ? (void *)SIG_DFL : (void *)SIG_IGN}, sizeof(void *));
    return raw(SYS_rt_sigaction, sig, (u64)&action, 0, sizeof action.mask, 0, 0);
}

/* ---- arguments: words; bytes and bytearray stand for their address (the kernel reads the first, fills the other) ---- */

static int
words(const char *name, PyObject *const *args, Py_ssize_t n, Py_ssize_t least, Py_ssize_t most, u64 *out)
{
    if (n < least || n > most) {
        PyErr_Format(PyExc_TypeError, "%s() takes %zd to %zd arguments, not %zd", name, least, most, n);
        return -1;
    }
    memset(out, 0, most * sizeof *out);
    for (Py_ssize_t i = 0; i < n; i++) {
        if (PyBytes_CheckExact(args[i])) {
            out[i] = (u64)PyBytes_AS_STRING(args[i]);
            continue;
        }
        if (PyByteArray_CheckExact(args[i])) {
            out[i] = (u64)PyByteArray_AS_STRING(args[i]);
            continue;
        }
        out[i] = PyLong_AsUnsignedLongLongMask(args[i]);
        if (out[i] == (u64)-1 && PyErr_Occurred())
            return -1;
    }
    return 0;
}

#define WORDS(name, least, most)                                   \
    u64 w[most];                                                   \
    if (words(name, args, n, least, most, w) < 0)                  \
        return NULL

static PyObject *
failed(long negative)
{
    errno = (int)-negative;
    return PyErr_SetFromErrno(PyExc_OSError);
}

/* ---- a thread's calls, written down for a trace; without one this is a look at ``note_calls`` ---- */

#define NOTES 64

struct note {
    u64 number;
    long result;
    u64 began, ended; /* CLOCK_MONOTONIC, nanoseconds */
};

static int note_calls; /* how many threads want it */
static __thread struct notes {
    int wanted;
    u64 count; /* of which the first NOTES are kept */
    struct note kept[NOTES];
} notes;

static u64
now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (u64)at.tv_sec * 1000000000 + (u64)at.tv_nsec;
}

static void
note(u64 number, long result, u64 began)
{
    if (!notes.wanted)
        return;
    if (notes.count < NOTES)
        notes.kept[notes.count] = (struct note){number, result, began, now()};
    notes.count++;
}

#define NOTING __builtin_expect(__atomic_load_n(&note_calls, __ATOMIC_RELAXED), 0)

static PyObject *
native_note(PyObject *self, PyObject *wanted)
{
    (void)self;
    int want = PyObject_IsTrue(wanted);
    if (want < 0)
        return NULL;
    if (want != notes.wanted)
        __atomic_add_fetch(&note_calls, want ? 1 : -1, __ATOMIC_RELAXED);
    notes.wanted = want;
    notes.count = 0;
    Py_RETURN_NONE;
}

static PyObject *
native_noted(PyObject *self, PyObject *ignored)
{
    (void)self, (void)ignored;
    u64 kept = notes.count < NOTES ? notes.count : NOTES;
    PyObject *list = PyList_New((Py_ssize_t)kept);
    for (u64 i = 0; list && i < kept; i++) {
        const struct note *one = &notes.kept[i];
        PyObject *entry = Py_BuildValue("KLKK", (unsigned long long)one->number, (long long)one->result,
                                        (unsigned long long)one->began, (unsigned long long)one->ended);
        if (!entry) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, (Py_ssize_t)i, entry);
    }
    notes.count = 0;
    return list;
}

/* ---- calls ---- */

static PyObject *
native_call(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    WORDS("call", 1, 7);
    long result;
    u64 began = NOTING ? now() : 0;
    Py_BEGIN_ALLOW_THREADS
    result = raw(w[0], w[1], w[2], w[3], w[4], w[5], w[6]);
    Py_END_ALLOW_THREADS
    if (began)
        note(w[0], result, began);
    return PyLong_FromLong(result);
}

static PyObject *
native_quick(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    WORDS("quick", 1, 7);
    u64 began = NOTING ? now() : 0;
    long result = raw(w[0], w[1], w[2], w[3], w[4], w[5], w[6]);
    if (began)
        note(w[0], result, began);
    return PyLong_FromLong(result);
}

static __thread enum ended last_wait;

static PyObject *
native_wait(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    WORDS("wait", 2, 8);
    long result;
    u64 began = NOTING ? now() : 0;
    Py_BEGIN_ALLOW_THREADS
    result = wirt_wait_call(&w[0], &w[1]);
    Py_END_ALLOW_THREADS
    if (began)
        note(w[1], result <= -AS_RAX ? -EINTR : result, began);
    last_wait = INTERRUPTED;
    if (result <= -AS_RAX) {
        last_wait = (enum ended)(-result - AS_RAX);
        result = -EINTR;
    }
    return PyLong_FromLong(result);
}

static PyObject *
native_interruption(PyObject *self, PyObject *ignored)
{
    (void)self, (void)ignored;
    return PyLong_FromLong(last_wait);
}

/*
 * Of SIGSEGV and its like only those that somebody sent come here: what the processor raises in the monitor finds them
 * blocked, and the kernel then ends the process (force_sig_info_to_task).
 */
static PyObject *
native_own_signals(PyObject *self, PyObject *ignored)
{
    (void)self, (void)ignored;
    set_mask(ALL_SIGNALS);
    for (int sig = 1; sig <= LAST_SIGNAL; sig++) {
        if (sig == SIGKILL || sig == SIGSTOP)
            continue;
        long result = dispose(sig, TO_US, 0);
        if (result < 0)
            return failed(result);
    }
    Py_RETURN_NONE;
}

static PyObject *
native_disposition(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    WORDS("disposition", 2, 3);
    if (w[1] > TO_NOTHING) {
        PyErr_SetString(PyExc_ValueError, "how: 0 for the handler, 1 for SIG_DFL, 2 for SIG_IGN");
        return NULL;
    }
    long result = w[0] < 1 || w[0] > LAST_SIGNAL ? -EINVAL : dispose((int)w[0], (enum how)w[1], w[2]);
    if (result < 0)
        return failed(result);
    Py_RETURN_NONE;
}

static void
touch_beyond_the_end(void)
{
    long fd = raw(SYS_memfd_create, (u64) "", 0, 0, 0, 0, 0);
    volatile char *page = mmap(NULL, 1, PROT_READ, MAP_SHARED, (int)fd, 0);
    (void)*page;
}

/*
 * The C library's fork knows SIGCHLD only. What it keeps of a thread's id is where the kernel clears it at the thread's
 * end, so the kernel writes the child's there.
 */
static PyObject *
native_fork(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    WORDS("fork", 2, 2);
    u64 at = 0, flags = w[0] & CSIGNAL;
    long pid;

    if (raw(SYS_prctl, PR_GET_TID_ADDRESS, (u64)&at, 0, 0, 0, 0) == 0 && at)
        flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
    if (w[1])
        flags |= CLONE_PARENT;
    PyOS_BeforeFork();
    pid = raw(SYS_clone, flags, 0, 0, at, 0, 0);
    if (pid == 0)
        PyOS_AfterFork_Child();
    else
        PyOS_AfterFork_Parent();
    if (pid < 0) {
        errno = (int)-pid;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return PyLong_FromLong(pid);
}

static PyObject *
native_fault(PyObject *self, PyObject *number)
{
    (void)self;
    u64 sig;
    if (words("fault", &number, 1, 1, 1, &sig) < 0)
        return NULL;
    set_mask(ALL_SIGNALS);
    switch (sig) {
    case SIGILL:
        __asm__ volatile("ud2");
        break;
    case SIGTRAP:
        __asm__ volatile("int3");
        break;
    case SIGFPE:
        __asm__ volatile("xorl %%ecx, %%ecx\n divl %%ecx" ::: "rax", "rcx", "rdx");
        break;
    case SIGBUS:
        touch_beyond_the_end();
        break;
    case SIGSEGV:
        __asm__ volatile("xorl %%eax, %%eax\n movb (%%rax), %%al" ::: "rax");
        break;
    }
    PyErr_SetString(PyExc_ValueError, "SIGILL, SIGTRAP, SIGFPE, SIGBUS or SIGSEGV");
    return NULL;
}

/* ---- what is read without a descriptor ---- */

struct look {
    u64 folder, flags;
    char *path, *room;
    u64 size;
    long result;
};

/* In a process that has our memory and a table of descriptors of its own. No library function, no return. */
static __attribute__((noinline, noreturn)) void
look_and_end(struct look *look)
{
    u64 number = look->flags & O_DIRECTORY ? SYS_getdents64 : SYS_read, filled = 0;
    long fd = raw(SYS_openat, look->folder, (u64)look->path, look->flags, 0, 0, 0), got = fd;

    while (fd >= 0 && filled < look->size) {
        got = raw(number, fd, (u64)look->room + filled, look->size - filled, 0, 0, 0);
        if (got <= 0)
            break;
        filled += got;
    }
    if (fd >= 0 && (filled == look->size || (got == -EINVAL && filled)))
        got = -ERANGE;
    look->result = got < 0 ? got : (long)filled;
    for (;;)
        raw(SYS_exit, 0, 0, 0, 0, 0, 0);
}

/*
 * A descriptor of ours, however short it is there, has a number that other threads may use meanwhile, and a place in
 * /proc for other processes. So a child opens the file, which shares our memory but not our descriptors, and nobody
 * else may look into either of us meanwhile (PTRACE_MODE_READ): who holds a folder of a procfs holds all that is in it.
 */
static PyObject *
native_look(PyObject *self, PyObject *args)
{
    (void)self;
    Py_buffer path, room;
    struct look look = {.result = -EAGAIN};
    unsigned long long folder, flags;

    if (!PyArg_ParseTuple(args, "KKy*w*:look", &folder, &flags, &path, &room))
        return NULL;
    look.folder = folder, look.flags = flags | O_CLOEXEC | O_NOFOLLOW;
    look.path = path.buf, look.room = room.buf, look.size = room.len; /* bytes objects end with NUL */
    long before = raw(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0, 0);
    raw(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0, 0);
    long pid = raw(SYS_clone, CLONE_VM | CLONE_VFORK, 0, 0, 0, 0, 0);
    if (pid == 0)
        look_and_end(&look);
    if (pid > 0)
        raw(SYS_wait4, pid, 0, __WALL, 0, 0, 0);
    if (before == 1)
        raw(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0, 0);
    PyBuffer_Release(&path);
    PyBuffer_Release(&room);
    return Py_BuildValue("ll", pid < 0 ? pid : look.result, pid);
}

/* ---- memory ---- */

static PyObject *
native_peek(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    WORDS("peek", 2, 2);
    if (w[1] > PY_SSIZE_T_MAX / 2)
        return PyErr_NoMemory();
    return PyBytes_FromStringAndSize((const char *)w[0], (Py_ssize_t)w[1]);
}

/* Takes the arguments (address, bytes-like); the caller releases the buffer. */
static int
address_and_data(const char *name, PyObject *const *args, Py_ssize_t n, u64 *address, Py_buffer *data)
{
    if (n != 2) {
        PyErr_Format(PyExc_TypeError, "%s() takes an address and bytes", name);
        return -1;
    }
    return words(name, args, 1, 1, 1, address) < 0 ? -1 : PyObject_GetBuffer(args[1], data, PyBUF_SIMPLE);
}

static PyObject *
native_poke(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    u64 address;
    Py_buffer data;
    if (address_and_data("poke", args, n, &address, &data) < 0)
        return NULL;
    memcpy((void *)address, data.buf, (size_t)data.len);
    PyBuffer_Release(&data);
    Py_RETURN_NONE;
}

/* process_vm_readv(2) or its sibling on ourselves: a bad page ends the copy instead of the process. 0 or -errno. */
static long
copy_safely(long nr, void *ours, u64 theirs, size_t size)
{
    long process = raw(SYS_getpid, 0, 0, 0, 0, 0, 0);
    for (size_t done = 0; done < size;) {
        struct iovec here = {(char *)ours + done, size - done}, there = {(void *)(theirs + done), size - done};
        long moved = raw(nr, process, (u64)&here, 1, (u64)&there, 1, 0);
        if (moved <= 0)
            return moved < 0 ? moved : -EFAULT;
        done += (size_t)moved;
    }
    return 0;
}

static PyObject *
native_peek_safe(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    WORDS("peek_safe", 2, 2);
    if (w[1] > PY_SSIZE_T_MAX / 2)
        return PyErr_NoMemory();
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)w[1]);
    if (!bytes)
        return NULL;
    long result = copy_safely(SYS_process_vm_readv, PyBytes_AS_STRING(bytes), w[0], w[1]);
    if (result == 0)
        return bytes;
    Py_DECREF(bytes);
    return failed(result);
}

static PyObject *
native_poke_safe(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    u64 address;
    Py_buffer data;
    if (address_and_data("poke_safe", args, n, &address, &data) < 0)
        return NULL;
    long result = copy_safely(SYS_process_vm_writev, data.buf, address, (size_t)data.len);
    PyBuffer_Release(&data);
    if (result < 0)
        return failed(result);
    Py_RETURN_NONE;
}

static PyObject *
native_cstring(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    WORDS("cstring", 2, 2);
    const char *start = (const char *)w[0];
    size_t length = strnlen(start, w[1]);
    if (length == w[1])
        Py_RETURN_NONE;
    return PyBytes_FromStringAndSize(start, (Py_ssize_t)length);
}

static PyObject *
native_address_of(PyObject *self, PyObject *data)
{
    (void)self;
    u64 at;
    if (!PyBytes_CheckExact(data) && !PyByteArray_CheckExact(data)) {
        PyErr_SetString(PyExc_TypeError, "address_of() takes bytes or a bytearray");
        return NULL;
    }
    if (words("address_of", &data, 1, 1, 1, &at) < 0)
        return NULL;
    return PyLong_FromUnsignedLongLong(at);
}

static PyObject *
native_u32(PyObject *self, PyObject *address)
{
    (void)self;
    u64 at;
    u32 value;
    if (words("u32", &address, 1, 1, 1, &at) < 0)
        return NULL;
    memcpy(&value, (const void *)at, sizeof value);
    return PyLong_FromUnsignedLong(value);
}

static PyObject *
native_u64(PyObject *self, PyObject *address)
{
    (void)self;
    u64 at, value;
    if (words("u64", &address, 1, 1, 1, &at) < 0)
        return NULL;
    memcpy(&value, (const void *)at, sizeof value);
    return PyLong_FromUnsignedLongLong(value);
}

static PyObject *
native_put_u32(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    WORDS("put_u32", 2, 2);
    *(volatile u32 *)w[0] = (u32)w[1];
    Py_RETURN_NONE;
}

static PyObject *
native_put_u64(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    WORDS("put_u64", 2, 2);
    *(volatile u64 *)w[0] = w[1];
    Py_RETURN_NONE;
}

static PyObject *
native_put_entries(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    WORDS("put_entries", 4, 4);
    volatile u64 *entry = (volatile u64 *)w[0];
    u64 value = w[1];
    for (u64 left = w[3]; left; left--, value += w[2])
        *entry++ = value;
    Py_RETURN_NONE;
}

/* ---- KVM_RUN ---- */

#define KVM_RUN_REQUEST 0xAE80
/* struct kvm_run: exit_reason, io.port, and in s.regs (KVM_CAP_SYNC_REGS) a struct kvm_regs */
enum { EXIT_REASON = 8, IO_PORT = 34, DIRTY_REGS = 296, REGS = 304 };
enum { RAX = 0, RCX = 2, RDX = 3, RSI = 4, RDI = 5, R8 = 8, R9 = 9, R10 = 10, R11 = 11, RIP = 16, RFLAGS = 17 };
#define SYNC_REGS 1

static PyObject *
native_enter(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    WORDS("enter", 2, 2);
    const char *run = (const char *)w[1];
    const u64 *regs = (const u64 *)(run + REGS);
    long status;
    u32 reason;
    uint16_t port;

    Py_BEGIN_ALLOW_THREADS
    status = raw(SYS_ioctl, w[0], KVM_RUN_REQUEST, 0, 0, 0, 0);
    Py_END_ALLOW_THREADS
    memcpy(&reason, run + EXIT_REASON, sizeof reason);
    memcpy(&port, run + IO_PORT, sizeof port);

    const u64 last[] = {regs[RAX], regs[RDI], regs[RSI], regs[RDX], regs[R10], regs[R8], regs[R9], regs[RIP]};
    PyObject *tuple = PyTuple_New(3 + (Py_ssize_t)(sizeof last / sizeof *last));
    if (!tuple)
        return NULL;
    PyTuple_SET_ITEM(tuple, 0, PyLong_FromLong(status));
    PyTuple_SET_ITEM(tuple, 1, PyLong_FromUnsignedLong(reason));
    PyTuple_SET_ITEM(tuple, 2, PyLong_FromUnsignedLong(port));
    for (size_t i = 0; i < sizeof last / sizeof *last; i++)
        PyTuple_SET_ITEM(tuple, 3 + (Py_ssize_t)i, PyLong_FromUnsignedLongLong(last[i]));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        if (!PyTuple_GET_ITEM(tuple, i)) {
            Py_DECREF(tuple);
            return NULL;
        }
    }
    return tuple;
}

#define USER_FLAGS 0x250DD5 /* what a program may set in rflags: FIX_EFLAGS of Linux's signal frames, and ID */
#define ALWAYS_FLAGS 0x202  /* IF, and the bit that is always 1 */
#define NO_ADDRESS 0x7FFFFFFFF000 /* canonical, and never mapped */

static PyObject *
native_answer(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    WORDS("answer", 2, 3);
    char *run = (char *)w[0];
    u64 *regs = (u64 *)(run + REGS);
    int64_t top = (int64_t)regs[RCX] >> 47;

    regs[RAX] = w[1];
    if (w[2]) {
        regs[RIP] = w[2];
    } else {
        regs[RIP] = top == 0 || top == -1 ? regs[RCX] : NO_ADDRESS;
        regs[RFLAGS] = (regs[R11] & USER_FLAGS) | ALWAYS_FLAGS;
    }
    *(u64 *)(run + DIRTY_REGS) |= SYNC_REGS;
    Py_RETURN_NONE;
}

/* ---- a software processor ---- */

static void
on_call(void *engine, struct emulator *emulator)
{
    if (emulator->event == NO_EVENT) /* else the block had an `in` before */
        emulator->event = CALL_EVENT;
    emulator->stop(engine);
}

static void
on_exception(void *engine, u32 vector, struct emulator *emulator)
{
    if (emulator->event == NO_EVENT)
        emulator->event = (int)vector;
    emulator->stop(engine);
}

static void
on_block(void *engine, u64 address, u32 size, struct emulator *emulator)
{
    (void)size;
    if (address == emulator->gate && !emulator->starting)
        emulator->event = GATE_EVENT; /* the program's own jump */
    emulator->starting = 0;
    if (emulator->event != NO_EVENT || __builtin_expect(__atomic_load_n(&emulator->wanted, __ATOMIC_RELAXED), 0))
        emulator->stop(engine);
}

static void
on_watched_block(void *engine, u64 address, u32 size, struct watch *watch)
{
    u64 at = address - watch->start, left = watch->size - at;
    if (memcmp(watch->then + at, watch->now + at, size < left ? size : left) == 0)
        return;
    watch->emulator->event = STALE_EVENT;
    watch->emulator->stop(engine);
}

static u32
on_in(void *engine, u32 port, int size, struct emulator *emulator)
{
    (void)port, (void)size;
    emulator->event = PORT_EVENT;
    emulator->stop(engine);
    return 0;
}

static void
on_out(void *engine, u32 port, int size, u32 value, struct emulator *emulator)
{
    (void)value;
    on_in(engine, port, size, emulator);
}

static PyObject *
native_emulation_hooks(PyObject *self, PyObject *ignored)
{
    (void)self, (void)ignored;
    const void *hooks[] = {on_call, on_exception, on_block, on_in, on_out, on_watched_block};
    PyObject *tuple = PyTuple_New(6);
    for (Py_ssize_t i = 0; tuple && i < 6; i++) {
        PyObject *address = PyLong_FromVoidPtr((void *)hooks[i]);
        if (!address)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, address);
    }
    return tuple;
}

/* What `syscall` does to registers, and Unicorn does not: ``rip`` is behind it. */
static void
answer_call(struct emulator *emulator, u64 result, u64 rip)
{
    u64 flags = 0;
    void *place = &flags;
    emulator->read(emulator->engine, &emulator->flags_id, &place, 1);
    const u64 *values[] = {&result, &rip, &flags};
    for (int i = 0; i < 3; i++)
        emulator->write(emulator->engine, emulator->answer_ids[i], values[i]);
}

static int
run_emulator(struct emulator *emulator, u64 mask, u64 rip)
{
    int error = 0;
    u64 before = 0;

    emulator->event = NO_EVENT;
    emulator->wanted = 0;
    emulator->starting = emulator->gate != 0;
    if (emulator->gate)
        *emulator->target = rip;
    running = emulator;
    mask &= ~KICK_BIT;
    raw(SYS_rt_sigprocmask, SIG_SETMASK, (u64)&mask, (u64)&before, sizeof mask, 0, 0);
    if (!__atomic_load_n(&emulator->wanted, __ATOMIC_RELAXED))
        error = emulator->start(emulator->engine, emulator->gate ? emulator->gate : rip, 0, 0, 0);
    set_mask(before);
    running = NULL;
    return error;
}

static PyObject *
native_emulate(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    WORDS("emulate", 3, 4);
    struct emulator *emulator = (struct emulator *)w[0];
    u64 values[8] = {0};
    void *places[8];
    int error;

    for (size_t i = 0; i < 8; i++)
        places[i] = &values[i];
    if (n > 3)
        answer_call(emulator, w[3], w[2]);
    Py_BEGIN_ALLOW_THREADS
    error = run_emulator(emulator, w[1], w[2]);
    emulator->read(emulator->engine, emulator->read_ids, places, 8);
    if (emulator->gate && (emulator->wanted || emulator->starting) && values[7] == emulator->gate)
        values[7] = w[2];
    Py_END_ALLOW_THREADS
    return Py_BuildValue("iiiKKKKKKKK", error, emulator->event, emulator->wanted, values[0], values[1], values[2],
                         values[3], values[4], values[5], values[6], values[7]);
}

#define FAST(name, doc) {#name, (PyCFunction)(void (*)(void))native_##name, METH_FASTCALL, doc}

static PyMethodDef methods[] = {
    FAST(call, "a system call; other threads run meanwhile"),
    FAST(quick, "a system call that never blocks: the interpreter's lock is kept"),
    FAST(wait, "a system call during which a signal mask is in force; -EINTR, with the signal still pending"),
    {"note", native_note, METH_O, "whether this thread's calls are written down from now on"},
    {"noted", native_noted, METH_NOARGS, "what was: number, result, beginning and end of the first calls"},
    {"own_signals", native_own_signals, METH_NOARGS, "block all signals in this thread; handle them ourselves"},
    FAST(disposition, "what a signal does: 0 our handler, 1 SIG_DFL, 2 SIG_IGN; with sigaction flags"),
    {"interruption", native_interruption, METH_NOARGS, "how a signal ended this thread's last wait"},
    {"fault", native_fault, METH_O, "end the process by what the processor raises"},
    {"look", native_look, METH_VARARGS, "read a file or list a folder without a descriptor that others could use"},
    FAST(fork, "fork with an exit signal, as a child or a sibling"),
    FAST(peek, "bytes at an address that is mapped"),
    FAST(poke, "put bytes at an address that is mapped"),
    FAST(peek_safe, "bytes at an address, or OSError(EFAULT)"),
    FAST(poke_safe, "put bytes at an address, or OSError(EFAULT)"),
    FAST(cstring, "the bytes up to NUL, or None when there is none within the limit"),
    {"address_of", native_address_of, METH_O, "where bytes or a bytearray are, for structures with pointers"},
    {"u32", native_u32, METH_O, "32 bits at an address that is mapped"},
    {"u64", native_u64, METH_O, "64 bits at an address that is mapped"},
    FAST(put_u32, "put 32 bits"),
    FAST(put_u64, "put 64 bits"),
    FAST(put_entries, "put 64-bit words of which each is the one before plus a step"),
    FAST(enter, "KVM_RUN, and what the exit says"),
    FAST(answer, "set the registers that end a system call"),
    FAST(emulate, "run a software processor, and what its exit says"),
    {"emulation_hooks", native_emulation_hooks, METH_NOARGS, "addresses of what a software processor calls"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "wirt.host._native",
    .m_doc = "Raw calls, interruptible waits, memory and KVM_RUN for the monitor of micro guests.",
    .m_size = 0,
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(&module);
}
