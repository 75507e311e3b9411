"""execve: a program takes the place of another in its process."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass

from wirt.abi import elf
from wirt.abi.linux.unistd import SYS_faccessat2
from wirt.host import _native
from wirt.sentry import vdso as vdso_page
from wirt.sentry.credentials import renew
from wirt.sentry.descriptors import AT_FDCWD, hide, open_descriptors
from wirt.sentry.failures import fail
from wirt.sentry.loader import Image, load, parse, parse_script
from wirt.sentry.mm import PAGE, page_up
from wirt.sentry.proc_identity import publish
from wirt.sentry.signals import forget_handlers
from wirt.sentry.task import AltStack, Task
from wirt.vmm.platform import UserRegisters

__all__ = ["Program", "enter", "find", "name_at", "room_for_strings"]

_MAX_SCRIPTS = 5  # interpreters of interpreters, as in Linux's bprm
_MAX_STRING = 32 * PAGE
_MAX_STRINGS = 6 << 20  # and at most a quarter of the stack's limit, but for
_LEAST_STRINGS = 128 << 10  # what there is always room for (bprm_stack_limits of fs/exec.c)
_STACK_MOST = 64 << 20  # what is mapped of an unlimited one
_STACK_LEAST = 32 * PAGE  # beyond the strings, however low the limit is (setup_arg_pages of fs/exec.c)
_HEAD = 4096
_STACK_AT_ONCE = 64 << 10  # bytes: what most programs touch of theirs
_AT_EMPTY_PATH, _AT_EACCESS, _AT_SYMLINK_NOFOLLOW = 0x1000, 0x200, 0x100
_CLOCK_TICKS = 100
_BY_DESCRIPTOR = b"/dev/fd/"


@dataclass(frozen=True, slots=True)
class Program:
    """A program that can be loaded; ``fd`` and ``interpreter_fd`` (-1: none) are the monitor's own."""

    path: bytes
    fd: int
    image: Image
    interpreter_fd: int
    interpreter: Image | None
    argv: tuple[bytes, ...]
    environ: tuple[bytes, ...]

    def close(self) -> None:
        for fd in (self.fd, self.interpreter_fd):
            if fd >= 0:
                os.close(fd)


def find(
    path: bytes,
    argv: tuple[bytes, ...],
    environ: tuple[bytes, ...],
    at: int = AT_FDCWD,
    flags: int = 0,
    *,
    name: bytes = b"",
    passing: bool = False,
) -> Program:
    """Everything that can fail, done before the old program is gone. ``OSError`` as execve(2) has it.

    ``name``: what the program is called, where that is not ``path``. ``passing``: by that name nobody finds it any more
    when it runs, so a script cannot be read.
    """
    _check_strings(argv, environ)
    argv = argv or (b"",)
    shown = name or path
    for _ in range(_MAX_SCRIPTS):
        fd = _open(path, at, flags)
        try:
            head = os.pread(fd, _HEAD, 0)
            script = parse_script(head)
            if script is None:
                return _complete(shown, fd, head, argv, environ)
            if passing and at != AT_FDCWD:
                fail(errno.ENOENT)
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        argument = (script.argument,) if script.argument else ()
        argv = (script.interpreter, *argument, shown, *argv[1:])
        path = shown = script.interpreter
        at, flags = AT_FDCWD, 0
    return fail(errno.ELOOP)


def name_at(at: int, path: bytes) -> bytes:
    """What a program is called that was found from a folder, or by a descriptor alone (execveat(2))."""
    if at == AT_FDCWD or path.startswith(b"/"):
        return path
    return b"%s%d" % (_BY_DESCRIPTOR, at) + (b"/" + path if path else b"")


def room_for_strings(stack: int) -> int:
    """Bytes of arguments and variables, a pointer for each counted, beside a stack that may have ``stack`` bytes."""
    return max(_LEAST_STRINGS, min(stack // 4, _MAX_STRINGS))


def _check_strings(argv: tuple[bytes, ...], environ: tuple[bytes, ...]) -> None:
    total = 0
    for text in argv + environ:
        if len(text) >= _MAX_STRING:
            fail(errno.E2BIG)
        total += len(text) + 9
    if total > _MAX_STRINGS:
        fail(errno.E2BIG)


def _open(path: bytes, at: int, flags: int) -> int:
    """A descriptor of the monitor's own on a file that may be executed."""
    nofollow = os.O_NOFOLLOW if flags & _AT_SYMLINK_NOFOLLOW else 0
    if flags & _AT_EMPTY_PATH and not path:
        fd = os.dup(at)
    else:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | nofollow, dir_fd=None if at == AT_FDCWD else at)
    fd = hide(fd)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            fail(errno.EACCES)
        flags = _AT_EMPTY_PATH | _AT_EACCESS
        if (result := _native.call(SYS_faccessat2, fd, b"", os.X_OK, flags)) < 0:
            fail(-result)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _complete(path: bytes, fd: int, head: bytes, argv: tuple[bytes, ...], environ: tuple[bytes, ...]) -> Program:
    image = parse(fd, head)
    if not image.interpreter:
        return Program(path, fd, image, -1, None, argv, environ)
    other = _open(image.interpreter, AT_FDCWD, 0)
    try:
        interpreter = parse(other, os.pread(other, _HEAD, 0))
    except OSError:
        os.close(other)
        fail(errno.ELIBBAD)
    return Program(path, fd, image, other, interpreter, argv, environ)


def enter(task: Task, program: Program) -> UserRegisters:
    """Replace the task's program; the process has no other thread. Returns the registers to start with."""
    process, mm = task.process, task.mm
    name = process.path_of(program.fd) or process.absolute(program.path)
    mm.clear()
    loaded = load(mm, program.image, program.fd, name, program=True)
    entry, interpreter_base = loaded.entry, 0
    if program.interpreter is not None:
        other = load(
            mm, program.interpreter, program.interpreter_fd, os.fsdecode(program.image.interpreter), program=False
        )
        entry, interpreter_base = other.entry, other.base + program.interpreter.low
    mm.brk_start = mm.brk = page_up(loaded.end) + (int.from_bytes(os.urandom(2), "little") & 0x1FFF) * PAGE
    vdso = vdso_page.place(process)
    size = _stack_size(process.stack_size, program)
    mm.map_anonymous(
        mm.stack_top - size, size, 7 if program.image.executable_stack else 3, name="[stack]", grows_down=True
    )
    nameless = program.path.startswith(_BY_DESCRIPTOR) and program.path.count(b"/") == 3
    mm.fill(mm.stack_top - _STACK_AT_ONCE, _STACK_AT_ONCE)
    process.become(program.argv, name, os.path.basename(name if nameless else os.fsdecode(program.path)))
    stack = _fill_stack(task, program, loaded.entry, loaded.headers, interpreter_base, vdso)
    publish(process)
    for fd in open_descriptors(process.options.proc_fd):
        if not os.get_inheritable(fd):
            process.forget_descriptor(fd)
            os.close(fd)
    forget_handlers(process)
    renew()
    task.altstack = AltStack(flags=0)  # as Linux has it: disabled by its size
    task.clear_child_tid = task.robust_list = 0
    return UserRegisters(rip=entry, rsp=stack)


def _stack_size(limit: int, program: Program) -> int:
    strings = sum(len(text) + 9 for text in program.argv + program.environ)
    return page_up(max(min(limit, _STACK_MOST), strings + _STACK_LEAST))


def _fill_stack(task: Task, program: Program, entry: int, headers: int, base: int, vdso: int) -> int:
    """Strings, then argc, argv, envp and the auxiliary vector below them (System V ABI, 3.4.1); returns rsp."""
    mm = task.mm
    top = mm.stack_top - 8
    top, (exec_name,) = _push(top, (program.path,))
    top, env = _push(top, program.environ)
    env_end = exec_name
    top, argv = _push(top, program.argv)
    mm.arguments = (argv[0], env[0] if env else exec_name)
    mm.environment = (env[0] if env else exec_name, env_end)
    strings = b"".join(text + b"\0" for text in (*program.argv, *program.environ, program.path))
    mm.write(top, strings)
    platform = (top & ~15) - 16
    random = platform - 16
    mm.write(random, os.urandom(16) + b"x86_64\0")
    uid, euid, _ = os.getresuid()
    gid, egid, _ = os.getresgid()
    features = task.vcpu.features
    vector = (
        (elf.AT_SYSINFO_EHDR, vdso),
        (elf.AT_MINSIGSTKSZ, features.signal_stack),
        (elf.AT_HWCAP, features.hwcap),
        (elf.AT_PAGESZ, PAGE),
        (elf.AT_CLKTCK, _CLOCK_TICKS),
        (elf.AT_PHDR, headers),
        (elf.AT_PHENT, elf.Elf64_Phdr.size),
        (elf.AT_PHNUM, program.image.header_count),
        (elf.AT_BASE, base),
        (elf.AT_FLAGS, 0),
        (elf.AT_ENTRY, entry),
        (elf.AT_UID, uid),
        (elf.AT_EUID, euid),
        (elf.AT_GID, gid),
        (elf.AT_EGID, egid),
        (elf.AT_SECURE, 0),
        (elf.AT_RANDOM, random),
        (elf.AT_HWCAP2, features.hwcap2),
        (elf.AT_EXECFN, exec_name),
        (elf.AT_PLATFORM, platform),
        (elf.AT_NULL, 0),
    )
    words = [len(argv), *argv, 0, *env, 0, *(word for pair in vector for word in pair)]
    stack = (random - 8 * len(words)) & ~15
    mm.write(stack, b"".join(word.to_bytes(8, "little") for word in words))
    mm.stack_start = stack
    return stack


def _push(top: int, texts: tuple[bytes, ...]) -> tuple[int, list[int]]:
    """Room for strings below ``top``, in their order; the addresses they get."""
    top -= sum(len(text) + 1 for text in texts)
    places, at = [], top
    for text in texts:
        places.append(at)
        at += len(text) + 1
    return top, places
