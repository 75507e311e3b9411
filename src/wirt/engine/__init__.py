"""The use cases: what it means to create, start, stop, look into and remove guests, and all that goes with it.

Everything here belongs to the daemon's one event loop; what blocks for longer than about a millisecond runs in a
thread and touches no state of the engine there. Locks are taken in this order: a guest's lock
(``Lifecycle.lock``), then ``Connectivity``'s; a transaction of the store is never held over an ``await``.
"""

from wirt.engine.engine import Engine
from wirt.engine.settings import Listen, Paths, Settings

__all__ = ["Engine", "Listen", "Paths", "Settings"]
