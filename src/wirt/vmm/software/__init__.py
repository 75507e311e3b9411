"""The platform without /dev/kvm: Unicorn, QEMU's translator as a library, emulates the processor.

One ``Engine`` a process, whatever the number of its threads: they take turns (``turns``), each with its registers put
in for its turn. So atomic instructions are atomic, code that one thread writes is seen by the others, and what has
been translated serves all, also a forked child; but a process has one processor's worth of speed at the most.

What differs from KVM: programs see a processor with SSE4.2 and AES, without AVX and XSAVE, that raises no
floating-point exceptions of SSE. A file that is shorter than its mapping ends the process by SIGBUS, handler or not.
`in` and `out` do nothing. Code is translated anew when the program writes it, or when its page becomes executable; not
when a system call (read(2) and its like) or another mapping of the same file changes code that has run and stays
executable meanwhile.

Locks, in their order: the owner's of the memory, then the turn. Whoever has the turn asks nobody for anything.
"""
