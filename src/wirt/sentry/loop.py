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
        if not hidden:
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
    vma = task.mm.vmas.find(fault.address)
    right = 2 if fault.error & _FAULT_WRITE else 4 if fault.error & _FAULT_FETCH else 1
    if vma is not None and vma.rights & right and (vma.short or (vma.fd_backed and task.mm.hidden)):
        with task.process.lock:
            there = task.mm.reveal(vma, fault.address, write=right == 2)
        if not there:
            signals.force(task, signal.SIGBUS, _BUS_ADRERR, fault.address, fault.vector, fault.error)
        return
    if vma is not None and vma.rights & right:
        # Another thread has just given this right, or the host dropped a translation it will find again.
        task.spurious += 1
        if task.spurious < _SPURIOUS_LIMIT:
            return
    task.spurious = 0
    if vma is None:
        with task.process.lock:
            if task.mm.grow_down(fault.address, task.process.stack_size):
                return
    code = _SEGV_MAPERR if vma is None else _SEGV_ACCERR
    signals.force(task, signal.SIGSEGV, code, fault.address, fault.vector, fault.error)
