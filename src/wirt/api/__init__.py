"""The REST API: HTTP in, engine calls, HTTP out. Nothing here decides anything about a guest.

::

    daemon/protocol.py --(upgrade)--> native/streams.py --\\
                      '-(ASGI)-> app.py -> native/*.py ----> protocols.py  <= satisfied by wirt.engine

``decode.py`` turns bodies into dataclasses of ``wirt.model`` and ``errors.py`` turns exceptions into answers; both are
used by the FastAPI routes and by the upgrades, so that the two cannot differ. Only ``app.py`` and ``native/`` (streams
aside) import FastAPI: the hot path does not wait for it.

Tasks: everything runs on the daemon's event loop. Work that reads or writes a body as a plain file is handed to the
engine with one end of a pipe (``transfer.py``); the engine's thread blocks there, the loop does not.
"""
