"""The virtual machine interface: what a micro guest is given in place of hardware and a kernel (docs/vmi.md).

The function library is written in assembly and C (``entry.S``, ``vdso.c``), built by ``build.py``, and placed in every
guest by the monitor with ``library``. ``abi`` is ``vmi.h`` in Python. ``thread_page`` and ``time_page`` are what the
library answers from; only the monitor writes there, and nothing that a guest wrote is ever read here.

Locks: a ``TimePage`` has one of its own, held while it is renewed; it calls nobody. The rest is immutable.
"""
