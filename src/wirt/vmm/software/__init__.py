"""The platform without /dev/kvm: Unicorn, QEMU's translator as a library, emulates the processor.

One ``Engine`` a process, whatever the number of its threads: they take turns (``turns``), each with its registers put
in for its turn. So atomic instructions are atomic, code that one thread writes is seen by the others, and what has
been translated serves all, also a forked child; but a process has one processor's worth of speed at the most.

What differs from KVM: programs see a processor with SSE4.2 and AES, without AVX and XSAVE, that neither raises nor
notes floating-point exceptions of SSE (fetestexcept(3) finds none). `in` and `out` fault, but behind the block of code
that they are in. A file that *another* process makes shorter than its mapping ends the process by SIGBUS, handler or
not. Code is translated anew when the program writes it, when its page becomes executable, or when it is shared and has
changed; not when a system call (read(2) and its like) changes private code that has run and stays executable meanwhile.

Locks, in their order: the owner's of the memory, then the turn. Whoever has the turn asks nobody for anything.
"""
