"""The composition root: builds the engine, serves it, runs its loops (``main.py``).

Serving is ``server.py`` (life), ``listen.py`` (sockets), ``protocol.py`` (HTTP and upgrades), ``pump.py`` (upgrades
over TLS), ``tokens.py`` (who may), ``late.py`` (the API's application, built when needed), ``notify.py`` (systemd).
Everything belongs to the daemon's event loop.
"""
