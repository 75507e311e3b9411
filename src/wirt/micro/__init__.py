"""Micro guests: the runtime behind the engine's verbs, the jail, and what a keeper's forked child becomes.

::

    engine --Plan--> keeper --fork--> child --jail--> monitor --sentry.guest.run--> the guest's program
                        ^------ report.py -----'

``runtime`` runs in the daemon and writes a ``config.MonitorConfig`` into the bundle. The keeper forks itself; the child
reads the configuration (``monitor``), locks itself in (``jail``, ``files``, ``console``, ``calls``) and runs the guest.

Owners: the child has one thread until the guest's program runs, and nothing of the keeper's but what is passed to it.
What it needs later it has imported by then: there is no way back to the host's files.
"""
