"""The console as a FastAPI application: routes from one table, each behind the door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from services.console.core.refusal import Refused
from shared.runtime.http_paths import let_ids_into_paths

from .door import Call, Door, Route

VERSION: Final = "1.0.0"


def make_app(door: Door, routes: Sequence[Route]) -> FastAPI:
    """The application. A path or method outside ``routes`` is refused like anything else."""
    let_ids_into_paths()
    app = FastAPI(
        title="Assay console",
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    by_path: dict[str, dict[str, Route]] = {}
    for route in routes:
        by_path.setdefault(route.path, {})[route.method] = route
    for path, by_method in by_path.items():
        app.add_api_route(path, _endpoint(door, by_method), methods=list(by_method), include_in_schema=False)
    app.add_exception_handler(HTTPException, _refuser(door))
    return app


def _endpoint(door: Door, by_method: Mapping[str, Route]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await door.pass_through(by_method[request.method], request)

    return endpoint


def _refuser(door: Door) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Paths that are no calls: a stranger learns no more than that nobody is signed in."""

    async def refuse(request: Request, error: Exception) -> Response:
        status: Any = getattr(error, "status_code", 404)
        code = "method_not_allowed" if status == 405 else "not_found"

        async def nothing(_: Call) -> Response:
            raise Refused(code)

        route = Route(request.method, request.url.path, "viewer", nothing)
        return await door.pass_through(route, request)

    return refuse
