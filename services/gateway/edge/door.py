"""What every request passes: who asks, may they, is there room; and how a refusal is told."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from fastapi import Request, Response

from services.gateway.core.keys import Action, ApiKey, allow, presented
from services.gateway.core.refusal import Refused
from services.gateway.core.trace import Trace, trace
from shared.bus.ports import LogAway
from shared.contracts.faults import fault_body
from shared.runtime.clock import Clock
from shared.runtime.http_protocol import Told
from shared.runtime.logs import get_logger, place_of
from shared.stores.database import DatabaseAway
from shared.stores.kafka_log import KafkaAway
from shared.stores.lake_away import LakeAway

from .counts import Counts
from .key_book import KeyBook
from .once import RedisAway
from .strangers import Strangers

log = get_logger("gateway.door")

JSON: Final = "application/json"
DRAINED_BYTES: Final = 65_536
"""Rest of a refused body: up to this it is read and dropped, beyond it the connection closes."""


AGAIN_S: Final = 1.0
AWAY: Final[dict[type[Exception], str]] = {
    LogAway: "kafka_away",
    KafkaAway: "kafka_away",
    RedisAway: "redis_away",
    DatabaseAway: "database_away",
    LakeAway: "lake_away",
}
"""What is told when a part that we lean on does not answer."""


@dataclass(frozen=True, slots=True)
class Call:
    """An admitted request."""

    request: Request
    key: ApiKey
    trace: Trace


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """A call of the API: its place, what a key must allow (None: any key will do), and who answers.

    Payments wait for a hot one; its path has no parameters.
    """

    method: str
    path: str
    action: Action | None
    handler: Handler
    is_hot: bool = False


class Door:
    """Lets requests in; turns whatever goes wrong into an answer with a code and an id."""

    def __init__(self, book: KeyBook, portfolio: str, clock: Clock, counts: Counts) -> None:
        self._book = book
        self._portfolio = portfolio
        self._clock = clock
        self._counts = counts
        self._strangers = Strangers()

    async def pass_through(self, route: Route, request: Request) -> Response:
        """The answer to a request of ``route``; never raises."""
        asked = trace_of(request)
        began = time.perf_counter()
        try:
            response = await self._answered(route, request, asked)
        except Refused as refused:
            self._counts.refused(refused.code)
            response = refusal(refused, asked.request_id, request)
        self._counts.answered(route.path, response.status_code, time.perf_counter() - began)
        response.headers["x-request-id"] = asked.request_id
        return response

    async def _answered(self, route: Route, request: Request, asked: Trace) -> Response:
        """What the route says. Raises Refused; a defect of ours is one with the code `bug`."""
        try:
            return await route.handler(Call(request, self._known(request, route.action), asked))
        except Refused:
            raise
        except tuple(AWAY) as error:
            code = next(code for kind, code in AWAY.items() if isinstance(error, kind))
            raise Refused(code, retry_after_s=AGAIN_S) from error
        except Exception as error:
            # Kind and place alone: what an exception says may hold a payload.
            log.error("bug", request_id=asked.request_id, error=type(error).__name__, detail=place_of(error))
            raise Refused("bug") from error

    def _known(self, request: Request, action: Action | None) -> ApiKey:
        """The key of the request. Raises Refused."""
        try:
            given = presented(request.headers.get("authorization", "").encode("latin-1"))
            found = self._book.get(given.key_id)
            return allow(found, given, action, self._portfolio, self._clock.now_ms())
        except Refused as refused:
            if refused.status == 401:
                self._strangers.count(request.client.host if request.client else "")
            raise


def trace_of(request: Request) -> Trace:
    """The trace that the request brought, or one of its own."""
    return trace(
        request.headers.get("x-request-id", "").encode("latin-1"),
        request.headers.get("traceparent", "").encode("latin-1"),
        os.urandom(24),
    )


def refusal(refused: Refused, request_id: str, request: Request | None = None) -> Response:
    """The answer to a refused request."""
    headers = {"x-request-id": request_id}
    if refused.retry_after_s is not None:
        # Whole seconds, as the header has it; at least one, so that nobody asks again at once.
        headers["retry-after"] = str(max(1, -int(-refused.retry_after_s // 1)))
    if refused.status == 401:
        headers["www-authenticate"] = "Bearer"
    if request is not None and _has_much_left(request, refused):
        headers["connection"] = "close"
    return Response(fault_body(refused, request_id), refused.status, headers, JSON)


def told(code: str) -> Told:
    """The same for a request that was never whole, so that it has no id either."""
    refused = Refused(code)
    return Told(refused.status, fault_body(refused, ""), 1 if refused.status == 503 else None)


def _has_much_left(request: Request, refused: Refused) -> bool:
    length = request.headers.get("content-length", "")
    chunked = "transfer-encoding" in request.headers
    return (
        refused.code in ("oversize", "request_timeout")
        or chunked
        or (length.isdigit() and int(length) > DRAINED_BYTES)
    )
