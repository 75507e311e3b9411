"""The cache of downloads is not emptied under the feet of who fills it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from wirt.engine.events import Events
from wirt.engine.images import Images
from wirt.engine.sharing import SharedLock
from wirt.errors import Conflict
from wirt.image import bootstrap as making
from wirt.model.wire import BootstrapRequest


class _Silent(Events):
    def __init__(self) -> None:
        """Nobody listens."""

    def publish(self, *_about: Any, **_more: Any) -> None:
        pass


def test_cache_is_not_emptied_while_an_image_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def make(_request: BootstrapRequest, _store: object, cache: Path, _progress: object) -> str:
        (cache / "bootstrap" / "busybox").mkdir(parents=True)
        (cache / "bootstrap" / "busybox" / "package").write_bytes(bytes(5000))
        begun.set()
        assert go_on.wait(10)
        return "sha256:0"

    monkeypatch.setattr(making, "bootstrap", make)
    nobody: Any = None

    async def story() -> None:
        images = Images(nobody, tmp_path / "cache", nobody, nobody, nobody, _Silent(), use=SharedLock())
        await images.sweep()
        assert (await images.prune_cache()).deleted == ()
        made = asyncio.create_task(images.bootstrap(BootstrapRequest("busybox"), lambda _progress: None))
        await asyncio.to_thread(begun.wait, 10)
        with pytest.raises(Conflict, match="an image is being made"):
            await images.prune_cache()
        go_on.set()
        await made
        pruned = await images.prune_cache()
        assert pruned.deleted == ("bootstrap/busybox",)
        assert pruned.reclaimed >= 5000
        assert not list(tmp_path.glob("cache/bootstrap/*"))

    asyncio.run(story())
