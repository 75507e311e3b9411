"""The run loop of a guest thread: run until something happens, answer it, go on."""

from __future__ import annotations

import errno
import logging
import signal

from wirt.sentry import lives, orders, signals
from wirt.sentry.task import Task
from wirt.vmm.platform import BUS_ERROR, Exit, Fault

__all__ = ["fault", "run"]

log = logging.getLogger("wirt.sentry")

_EINTR = -errno.EINTR
_SYSCALL, _INTERRUPTED, _FAULT = Exit.SYSCALL, Exit.INTERRUPTED, Exit.FAULT  # looked up once, not for each call
_ILLEGAL, _GENERAL_PROTECTION, _PAGE_FAULT, _X87_ERROR, _SIMD_ERROR = 6, 13, 14, 16, 19
_SEGV_MAPERR, _SEGV_ACCERR, _SI_KERNEL, _BUS_ADRERR = 1, 2, 0x80, 2
_FAULT_WRITE, _FAULT_FETCH = 2, 16
_SPURIOUS_LIMIT = 1000

# vector -> (signal, si_code, whether si_addr is the instruction's address); the rest is SIGSEGV from the kernel.
_TRAPS = {
    0: (signal.SIGFPE, 1, True),  # FPE_INTDIV
    1: (signal.SIGTRAP, 2, True),  # TRAP_TRACE
    3: (signal.SIGTRAP, _SI_KERNEL, False),
    6: (signal.SIGILL, 2, True),  # ILL_ILLOPN
    17: (signal.SIGBUS, 1, False),  # BUS_ADRALN
}


def run(task: Task) -> None:
    """Until ``ThreadEnded`` says that the thread is no more, or its process has got another loop."""
    process = task.process
    calls = process.calls
    while True:
        vcpu = task.vcpu
        happened = vcpu.run(task.mask)
        if happened is _SYSCALL:
            entry = calls.get(vcpu.number)
            if entry is None:
                vcpu.finish(-errno.ENOSYS)
                continue
            handler, arity, call = entry
            try:
                result = handler(task, *vcpu.args[:arity])
            except OSError as error:
                result = -(error.errno or errno.EIO)
            except Exception:
                log.exception("%s%s", call.name, vcpu.args[:arity])
                result = -errno.EINVAL
            if result is None:
                continue
            if result == _EINTR:
                if not lives.leave_if_asked(task):
                    signals.interrupted(task, call)
                orders.look(task)
                if process.loop is not run:
                    return
                continue
            vcpu.finish(result)
        elif happened is _INTERRUPTED:
            lives.leave_if_asked(task)
            signals.take(task)
            orders.look(task)
            if process.loop is not run:
                return
        elif happened is _FAULT:
            fault(task, vcpu.fault)
        else:
            log.error("guest process %d: %s", task.process.pid, vcpu.reason)
            signals.die(signal.SIGKILL)


def fault(task: Task, fault: Fault) -> None:
    """Whatever the processor raised: what a signal can tell the program, or nothing."""
    if fault.vector == _PAGE_FAULT:
        _page_fault(task, fault)
        return
    if fault.vector == BUS_ERROR:
        with task.process.lock:
            hidden = task.mm.hide_files()
            there = task.mm.has(fault.address)  # KVM asked while it was being touched, and may ask again
        if not (hidden or there):
            signals.force(task, signal.SIGBUS, _BUS_ADRERR, task.mm.shown_at(fault.address))
        return
    if fault.vector == _ILLEGAL:
        fault = _software_interrupt(task) or fault
    number, code, here = _TRAPS.get(fault.vector, (signal.SIGSEGV, _SI_KERNEL, False))
    if fault.vector in (_X87_ERROR, _SIMD_ERROR):
        code = signals.float_code(task.vcpu.xsave(), simd=fault.vector == _SIMD_ERROR)
        number, here = signal.SIGFPE, True
    address = task.vcpu.registers().rip if here else 0
    signals.force(task, number, code, address, fault.vector, fault.error)


def _software_interrupt(task: Task) -> Fault | None:
    """Some hosts have no `int n` and call it illegal, where a processor looks for a gate that is not there."""
    try:
        code = task.mm.read(task.vcpu.registers().rip, 2)
    except OSError:
        return None
    return Fault(_GENERAL_PROTECTION, code[1] << 3 | 2, 0) if code[0] == 0xCD else None


def _page_fault(task: Task, fault: Fault) -> None:
    right = 2 if fault.error & _FAULT_WRITE else 4 if fault.error & _FAULT_FETCH else 1
    with task.process.lock:  # what another thread was changing has been changed then
        number, code = _verdict(task, fault.address, right)
    if number:
        signals.force(task, number, code, fault.address, fault.vector, fault.error)


def _verdict(task: Task, address: int, right: int) -> tuple[int, int]:
    """The signal and code that a page fault becomes; (0, 0): the program tries again."""
    mm = task.mm
    vma = mm.vmas.find(address)
    if vma is None:
        grown = mm.grow_down(address, task.process.stack_size)
        return (0, 0) if grown else (signal.SIGSEGV, _SEGV_MAPERR)
    if not vma.rights & right:
        return signal.SIGSEGV, _SEGV_ACCERR
    if vma.short or (vma.fd_backed and mm.hidden):
        return (0, 0) if mm.reveal(vma, address, write=right == 2) else (signal.SIGBUS, _BUS_ADRERR)
    if mm.allows(address, right):  # by now; or the host dropped a translation that it will find again
        task.spurious = 0
        return 0, 0
    task.spurious += 1
    return (0, 0) if task.spurious < _SPURIOUS_LIMIT else (signal.SIGSEGV, _SEGV_ACCERR)
