"""/v1/networks: what guests are connected by."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from wirt.api.filters import parse_filters
from wirt.api.native.parts import EngineOf, FilterList, json_body
from wirt.model.network import Network, NetworkSpec, NetworkView
from wirt.model.wire import ConnectRequest, DisconnectRequest, Pruned

__all__ = ["router"]

router = APIRouter(prefix="/networks", tags=["networks"])


@router.get("")
async def list_networks(engine: EngineOf, given: FilterList = ()) -> list[Network]:
    """The networks, built-in ones included."""
    return list(await engine.networks.list(parse_filters(given)))


@router.post("", status_code=201)
async def create_network(engine: EngineOf, spec: Annotated[NetworkSpec, json_body(NetworkSpec)]) -> Network:
    """Make a bridge network, whose guests find each other by name."""
    return await engine.networks.create(spec)


@router.post("/prune")
async def prune_networks(engine: EngineOf, given: FilterList = ()) -> Pruned:
    """Remove the networks that no guest is on."""
    return await engine.networks.prune(parse_filters(given))


@router.get("/{ref}")
async def show_network(engine: EngineOf, ref: str) -> NetworkView:
    """One network and the guests on it."""
    return await engine.networks.view(ref)


@router.delete("/{ref}", status_code=204)
async def remove_network(engine: EngineOf, ref: str) -> None:
    """Remove a network that no guest is on."""
    await engine.networks.remove(ref)


@router.post("/{ref}/connect", status_code=204)
async def connect_guest(
    engine: EngineOf, ref: str, request: Annotated[ConnectRequest, json_body(ConnectRequest)]
) -> None:
    """Put a guest on a network, while it runs too."""
    await engine.networks.connect(ref, request.guest, aliases=request.aliases, ip=request.ip)


@router.post("/{ref}/disconnect", status_code=204)
async def disconnect_guest(
    engine: EngineOf, ref: str, request: Annotated[DisconnectRequest, json_body(DisconnectRequest)]
) -> None:
    """Take a guest off a network."""
    await engine.networks.disconnect(ref, request.guest, force=request.force)
