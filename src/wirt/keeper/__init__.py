"""The keeper: stands between one guest and the world while the daemon comes and goes.

::

    daemon --seqpacket + fds--> zygote --fork--> keeper --spawn--> the plan's program (runc, QEMU)
                                                   '----fork--> itself: the monitor of a micro guest
       '--------- control channel (seqpacket) --------'  '--frames--> attached clients

One process a running guest, one thread, one selector. It owns the guest's standard streams or pty, the log, attach and
exec sessions and the exit status. It is the same for every kind of guest: what to run comes as a ``model.launch.Plan``.

Ownership: everything in a keeper belongs to its loop (``keeper.py``); no other thread exists. The zygote only forks.
The daemon holds one end of the control channel; when it dies, the keeper goes on, and a new daemon connects to
``keeper.sock`` in the guest's run folder. Nobody but root can reach that folder.

This package imports little of the standard library and, but for forked monitors, nothing else: its memory is paid once
a guest.
"""
