"""State that outlives the daemon: SQLite in WAL mode, numbered migrations, one connection.

The daemon's event loop is the only caller, on one thread: no lock is needed, and statements are short (tens of
microseconds). ``synchronous=NORMAL`` means that a commit survives ``kill -9`` of the daemon; after a loss of power
the newest commits may be missing, the database is whole, and no guest runs any more anyway.
"""
