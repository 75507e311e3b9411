"""/v1: the host itself."""

from __future__ import annotations

import os
import platform

from fastapi import APIRouter

from wirt.api.native.parts import EngineOf
from wirt.model.finding import Finding
from wirt.model.host import DiskUsage, HostInfo
from wirt.model.wire import Pruned, Version
from wirt.version import VERSION

__all__ = ["router"]

router = APIRouter(tags=["host"])


@router.get("/ping")
async def ping() -> Version:
    """Whether anybody answers."""
    return await show_version()


@router.get("/version")
async def show_version() -> Version:
    """What answers here."""
    host = os.uname()
    return Version(VERSION, "v1", platform.python_version(), host.release, host.machine)


@router.get("/info")
async def show_info(engine: EngineOf) -> HostInfo:
    """This host and how much of it is in use."""
    return await engine.info()


@router.get("/system/df")
async def show_disk_usage(engine: EngineOf) -> DiskUsage:
    """What is kept on this host's disk, and how much of it nobody needs. It takes a while: every file is counted."""
    return await engine.disk_usage()


@router.post("/cache/prune")
async def prune_cache(engine: EngineOf) -> Pruned:
    """Remove what was downloaded to make images; it is fetched again when it is needed."""
    return await engine.images.prune_cache()


@router.get("/doctor")
async def examine_host(engine: EngineOf) -> list[Finding]:
    """What this host can do, what that means, and how to mend what it cannot."""
    return list(await engine.doctor())
