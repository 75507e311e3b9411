"""An ASGI application that is built when it is first needed, in a thread, so that the event loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable

from wirt.api.observe import App, Receive, Scope, Send

__all__ = ["LateApp"]

_log = logging.getLogger(__name__)


class LateApp:
    """Requests that come before it is built wait; a failure to build is tried again by the next request."""

    def __init__(self, build: Callable[[], App]) -> None:
        self._build = build
        self._app: App | None = None
        self._building: asyncio.Task[App] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app or await self.ready()
        await app(scope, receive, send)

    async def ready(self) -> App:
        """The application itself."""
        if self._app is None:
            if self._building is None:
                self._building = asyncio.create_task(self._make())
            self._app = await asyncio.shield(self._building)
        return self._app

    async def _make(self) -> App:
        try:
            app = await asyncio.to_thread(self._build)
        except Exception:
            self._building = None
            _log.exception("the API cannot be built")
            raise
        # What was imported stays for good: later collections need not walk through it, which would cost 20 ms each.
        gc.collect()
        gc.freeze()
        return app
