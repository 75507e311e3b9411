"""The server's life: it listens, serves, and ends without cutting off what can still end by itself."""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
from collections.abc import Sequence
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from wirt.api.native.streams import Streams
from wirt.api.observe import App
from wirt.api.protocols import Engine
from wirt.api.timing import Timings
from wirt.daemon.late import LateApp
from wirt.daemon.listen import BACKLOG, Listener
from wirt.daemon.protocol import Door, Http, Upgrades

__all__ = ["Server", "serve"]

_IDLE = 1.0  # seconds after the start until the API is built, if nobody has asked for it by then
_KEEP_ALIVE = 75  # seconds a connection may say nothing between requests
_PATIENCE = 20.0  # seconds for a request's head, and for TLS to be agreed on, from elsewhere

_log = logging.getLogger(__name__)


async def serve(engine: Engine, listeners: Sequence[Listener], *, patience: float = _PATIENCE) -> Server:
    """Serve ``engine`` on ``listeners``; connections are accepted from now on.

    ``patience``: seconds that a client on TCP has to say what it wants.
    """
    timings = Timings()

    def build() -> App:
        from wirt.api.app import create_app  # imports FastAPI: half a second

        return create_app(engine, timings)

    server = Server(LateApp(build), (Streams(engine),), timings, listeners, patience)
    await server.start()
    return server


class Server:
    """Serves until it is stopped. Installs no signal handlers: the process belongs to the daemon."""

    def __init__(
        self,
        app: LateApp,
        upgrades: Sequence[Upgrades],
        timings: Timings,
        listeners: Sequence[Listener],
        patience: float,
    ) -> None:
        self._app = app
        self._upgrades = upgrades
        self._timings = timings
        self._listeners = listeners
        self._patience = patience
        self._state = ServerState()
        self._servers: list[asyncio.Server] = []
        self._warming: asyncio.TimerHandle | None = None
        self._building: asyncio.Task[App] | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        config = Config(
            self._app,
            loop="none",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
        )
        config.load()
        for listener in self._listeners:
            patience = None if listener.sock.family == socket.AF_UNIX else self._patience
            door = Door(self._app, self._upgrades, self._timings, listener.tokens, patience)
            factory = functools.partial(Http, config, self._state, door)
            handshake = patience if listener.tls is not None else None
            server = await loop.create_server(
                factory, sock=listener.sock, ssl=listener.tls, ssl_handshake_timeout=handshake, backlog=BACKLOG
            )
            self._servers.append(server)
        self._warming = loop.call_later(_IDLE, self._warm)

    def _warm(self) -> None:
        self._building = asyncio.create_task(self._app.ready())

    async def stop(self, grace: float = 5.0) -> None:
        """Accept no more, let requests end for ``grace`` seconds, then cut off what is left.

        Answers that go on for as long as their client stays (followed logs, events) are cut off at once.
        """
        if self._warming is not None:
            self._warming.cancel()
        for server in self._servers:
            server.close()
        for listener in self._listeners:
            if listener.path is not None:
                listener.path.unlink(missing_ok=True)
        for connection in tuple(self._state.connections):
            if _is_endless(connection):
                connection.transport.abort()
            else:
                connection.shutdown()
        await self._tasks_done(grace)
        for connection in tuple(self._state.connections):
            connection.transport.abort()
        await self._tasks_done(1.0)
        for task in tuple(self._state.tasks):
            task.cancel()
        await self._tasks_done(1.0)

    async def _tasks_done(self, patience: float) -> None:
        if self._state.tasks:
            await asyncio.wait(tuple(self._state.tasks), timeout=patience)


def _is_endless(connection: Any) -> bool:
    cycle = getattr(connection, "cycle", None)
    return cycle is not None and bool(cycle.scope.get("wirt.endless"))
