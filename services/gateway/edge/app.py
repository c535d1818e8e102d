"""The API as a FastAPI application: routes from one table, its description from the contract's own types."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.core.openapi import describe_api
from services.gateway.core.refusal import Refused
from shared.runtime.http_paths import let_ids_into_paths

from .door import Call, Door, Route, refusal, trace_of

VERSION = "1.0.0"


class Shortcut:
    """Takes the calls that payments wait for past the framework's layers, which cost more than the call.

    Of a gateway's time under load 40 % were theirs. Door and handler are the same on both ways, and so is
    what they answer; everything else goes through the framework.
    """

    def __init__(self, app: ASGIApp, door: Door, routes: Sequence[Route]) -> None:
        self._app = app
        self._door = door
        self._hot = {(route.method, route.path): route for route in routes if route.is_hot}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        route = self._hot.get((scope.get("method", ""), scope.get("path", "")))
        if route is None:
            await self._app(scope, receive, send)
            return
        response = await self._door.pass_through(route, Request(scope, receive))
        await response(scope, receive, send)


def make_app(door: Door, routes: Sequence[Route]) -> ASGIApp:
    """The application. A path or method outside ``routes`` is refused like anything else."""
    return Shortcut(make_api(door, routes), door, routes)


def make_api(door: Door, routes: Sequence[Route]) -> FastAPI:
    """The API without the shortcut."""
    let_ids_into_paths()
    # A path with a slash too many is no call either: a redirect would name the host that the request named.
    app = FastAPI(
        title="Assay",
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    described = Route("GET", "/v1/openapi.json", None, _described)
    by_path: dict[str, dict[str, Route]] = {}
    for route in (*routes, described):
        by_path.setdefault(route.path, {})[route.method] = route
    for path, by_method in by_path.items():  # one for all methods: a refusal lists them all
        taken = path.replace("{tx_id}", "{tx_id:id}")
        app.add_api_route(taken, _endpoint(door, by_method), methods=list(by_method), include_in_schema=False)
    app.add_exception_handler(HTTPException, _refuse_path)
    return app


async def _described(_: Call) -> Response:
    return Response(describe_api(VERSION), media_type="application/json")


def _endpoint(door: Door, by_method: Mapping[str, Route]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await door.pass_through(by_method[request.method], request)

    return endpoint


async def _refuse_path(request: Request, error: Exception) -> Response:
    status: Any = getattr(error, "status_code", 404)
    refused = Refused("method_not_allowed" if status == 405 else "not_found")
    response = refusal(refused, trace_of(request).request_id, request)
    allowed = getattr(error, "headers", None) or {}
    if "Allow" in allowed:
        response.headers["allow"] = allowed["Allow"]
    return response
