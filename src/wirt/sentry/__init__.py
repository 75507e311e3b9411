"""The micro guest's kernel services: what a system call of a guest program means.

Who owns what. A guest process is a host process of the monitor; ``Process`` is what its threads share, ``Task`` belongs
to one thread. Lock order: ``Process.lock``, then nothing else; it is never held across a host call that may block.
Signals are blocked in every thread of the monitor and are the host kernel's until the run loop takes them.
"""
