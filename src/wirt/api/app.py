"""The REST API as an ASGI application.

Importing FastAPI and building the routes takes most of a second, so the daemon does both only when the first request
that needs them comes, or when it has nothing better to do (``daemon/server.py``).
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from wirt.api.bounded import Bounded
from wirt.api.docs import page
from wirt.api.errors import answer
from wirt.api.metrics import router as metrics
from wirt.api.native import archive, events, guests, images, networks, sessions, snapshots, system, volumes
from wirt.api.observe import Observed
from wirt.api.protocols import Engine
from wirt.api.timing import Timings
from wirt.errors import InvalidInput, NotFound, WirtError
from wirt.model.wire import Problem
from wirt.version import VERSION

__all__ = ["create_app"]

_DESCRIPTION = """\
Bodies and answers are JSON; times are Unix seconds, sizes bytes, durations seconds; flags in a query may be 0 or 1.
Every answer that is not a success carries the same body, a `Problem`.
"""


def create_app(engine: Engine, timings: Timings | None = None) -> FastAPI:
    """The application over ``engine``; ``timings`` are shared with what does not pass through here (upgrades)."""
    app = FastAPI(
        title="wirt",
        version=VERSION,
        description=_DESCRIPTION,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # the stock pages load their scripts from another host
        redoc_url=None,
        dependencies=[Depends(_known_parameters)],
        responses={"4XX": {"model": Problem}, "5XX": {"model": Problem}},
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.engine = engine
    app.state.timings = timings or Timings()
    app.add_middleware(Bounded)
    app.add_middleware(Observed, timings=app.state.timings)
    for error in (WirtError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(error, _explain)
    v1 = APIRouter(prefix="/v1")
    # Before guests: /guests/stats is no guest's name there.
    for part in (sessions, archive, guests, images, networks, volumes, snapshots, system, events):
        v1.include_router(part.router)
    app.include_router(v1)
    app.include_router(metrics)
    app.add_api_route("/v1/docs", _docs, include_in_schema=False)
    return app


async def _docs(request: Request) -> HTMLResponse:
    """The documentation as one page that needs nothing from anywhere."""
    return HTMLResponse(page(request.app.openapi()))


async def _explain(request: Request, error: Exception) -> Response:
    if isinstance(error.__cause__, WirtError):  # met while FastAPI read the body
        error = error.__cause__
    status, body = answer(_translate(request, error))
    headers = {}
    if isinstance(error, HTTPException):
        status, headers = error.status_code, dict(error.headers or {})
    return Response(body, status, headers, media_type="application/json")


def _translate(request: Request, error: Exception) -> Exception:
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, HTTPException) and error.status_code == 404:
        return NotFound(f"there is no {request.method} {request.url.path}", hint="GET /v1/docs lists what there is")
    if isinstance(error, HTTPException) and error.status_code == 405:
        return InvalidInput(f"{request.url.path} knows no {request.method}", hint="GET /v1/docs lists what there is")
    if isinstance(error, HTTPException):
        return InvalidInput(str(error.detail))
    return error


def _invalid(error: RequestValidationError) -> InvalidInput:
    """The first complaint, in one line."""
    first: dict[str, Any] = error.errors()[0]
    if first["type"] == "json_invalid":
        reason = first.get("ctx", {}).get("error", "malformed")
        return InvalidInput(f"the body is not JSON: {reason}, byte {first['loc'][-1]}", hint="send a JSON object")
    place, *path = first["loc"]
    name = ".".join(str(part) for part in path)
    if place == "body" and first["type"] == "missing":
        return InvalidInput("the body is empty", hint="send a JSON object")
    if first["type"] == "missing":
        return InvalidInput(f"the {place} parameter {name!r} is missing")
    return InvalidInput(f"{place} parameter {name!r}: {first['msg'][:1].lower()}{first['msg'][1:]}")


async def _known_parameters(request: Request) -> None:
    """A misspelt parameter is an error: silently doing something else than was asked is worse."""
    route = request.scope.get("route")
    if not request.query_params or not isinstance(route, APIRoute):
        return
    known = sorted(field.alias for field in route.dependant.query_params)
    for name in request.query_params:
        if name not in known:
            hint = f"known are {', '.join(known)}" if known else "there are none here"
            raise InvalidInput(f"unknown parameter {name!r}", hint=hint)
