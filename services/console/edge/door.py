"""What every request passes: who asks, may they, does a form belong to its session; how a refusal is told."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from starlette.requests import ClientDisconnect

from services.console.core.headers import SECURITY
from services.console.core.people import Role, may
from services.console.core.refusal import Refused
from services.console.core.sessions import SignedIn, brings
from shared.bus.ports import LogAway
from shared.contracts.faults import fault, fault_body
from shared.runtime.clock import Clock
from shared.runtime.http_protocol import Told
from shared.runtime.logs import get_logger, place_of
from shared.stores.database import DatabaseAway
from shared.stores.kafka_log import KafkaAway
from shared.stores.lake_away import LakeAway

from .accounts import Accounts
from .rendering import Rendering

log = get_logger("console.door")

JSON: Final = "application/json"
BODY_BYTES: Final = 16_384
SAFE: Final = frozenset({"GET", "HEAD"})
HOUSE: Final = "assay"
"""Who changes something by the key of the house's own file."""

AWAY: Final[dict[type[Exception], str]] = {
    LogAway: "kafka_away",
    KafkaAway: "kafka_away",
    DatabaseAway: "database_away",
    LakeAway: "lake_away",
}


@dataclass(frozen=True, slots=True)
class Call:
    """A request that may be answered. ``who`` is None where nobody need be signed in."""

    request: Request
    who: SignedIn | None
    form: dict[str, str]
    body: bytes
    request_id: str

    @property
    def person(self) -> SignedIn:
        """Who asks. Raises Refused on a route that lets strangers in."""
        if self.who is None:
            raise Refused("session_missing")
        return self.who

    @property
    def is_partial(self) -> bool:
        """Whether a page asks for a piece of itself."""
        return "hx-request" in self.request.headers


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """A call: what role it needs, None for strangers; ``keyed``: the house's own key will do as well.

    ``body_bytes`` is the most that its body may have.
    """

    method: str
    path: str
    needs: Role | None
    handler: Handler
    keyed: bool = False
    body_bytes: int = BODY_BYTES

    @property
    def is_api(self) -> bool:
        """Whether it speaks JSON."""
        return self.path.startswith("/api/")


class Door:
    """Lets requests in; turns whatever goes wrong into an answer with a code and an id."""

    def __init__(
        self, accounts: Accounts, rendering: Rendering, clock: Clock, house_key: str, *, https: bool
    ) -> None:
        """``house_key`` "" lets nobody in by key."""
        self._accounts = accounts
        self._rendering = rendering
        self._clock = clock
        self._house_key = house_key
        # A browser takes a cookie of this prefix only from https and for this host alone.
        self.cookie = "__Host-assay" if https else "assay"
        self._https = https

    async def pass_through(self, route: Route, request: Request) -> Response:
        """The answer to a request of ``route``; never raises."""
        request_id = os.urandom(8).hex()
        try:
            response = await self._answered(route, request, request_id)
        except Refused as refused:
            response = self.refusal(refused, request, request_id, is_api=route.is_api)
        return _dressed(response, request_id)

    async def _answered(self, route: Route, request: Request, request_id: str) -> Response:
        try:
            who = await self._known(route, request)
            body = await _body(request, route.body_bytes)
            form = _form(request, body)
            if request.method not in SAFE:
                _require_own_origin(request)
                if route.needs is not None and who is not None and who.csrf:
                    _require_own_form(request, form, who)
            return await route.handler(Call(request, who, form, body, request_id))
        except tuple(AWAY) as error:
            code = next(code for kind, code in AWAY.items() if isinstance(error, kind))
            raise Refused(code, retry_after_s=1) from error
        except Refused:
            raise
        except Exception as error:
            # Kind and place alone: what an exception says may hold a payload.
            log.error("bug", request_id=request_id, error=type(error).__name__, detail=place_of(error))
            raise Refused("bug") from error

    async def _known(self, route: Route, request: Request) -> SignedIn | None:
        """Who asks. Raises Refused; None only where strangers may."""
        if route.keyed and self._brings_house_key(request):
            return SignedIn(name=HOUSE, role="admin", csrf="")
        who = await self.session(request)
        if route.needs is None:
            return who
        if who is None:
            raise Refused("session_missing")
        if not may(who.role, route.needs):
            raise Refused("role_forbidden")
        return who

    async def session(self, request: Request) -> SignedIn | None:
        """Who the request's cookie says it is. Raises DatabaseAway."""
        token = request.cookies.get(self.cookie, "")
        if not token:
            return None
        return await asyncio.to_thread(self._accounts.signed_in, token, self._clock.now_ms())

    def _brings_house_key(self, request: Request) -> bool:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return bool(self._house_key) and compare_digest(given.encode(), self._house_key.encode())

    def give_cookie(self, response: Response, token: str) -> None:
        """Let the browser keep ``token`` until it closes."""
        response.set_cookie(
            self.cookie, token, httponly=True, samesite="strict", secure=self._https, path="/"
        )

    def take_cookie(self, response: Response) -> None:
        """Let the browser forget it."""
        response.delete_cookie(self.cookie, httponly=True, samesite="strict", secure=self._https, path="/")

    def refusal(self, refused: Refused, request: Request, request_id: str, *, is_api: bool) -> Response:
        """JSON for the API, a page for people; who is not signed in is sent to the door."""
        headers = {} if refused.retry_after_s is None else {"retry-after": str(refused.retry_after_s)}
        if is_api:
            return Response(fault_body(refused, request_id), refused.status, headers, JSON)
        if refused.code == "session_missing":
            return _to_sign_in(request)
        told = fault(refused, request_id)
        if "hx-request" in request.headers:
            return self._rendering.piece("error_piece.html", refused.status, fault=told)
        return self._rendering.page("error.html", None, refused.status, fault=told)


def told(code: str) -> Told:
    """What a request that was never whole is answered."""
    refused = Refused(code)
    return Told(refused.status, fault_body(refused, ""), 1 if refused.status == 503 else None)


def _to_sign_in(request: Request) -> Response:
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"hx-redirect": "/sign-in"})
    back = request.url.path if request.method == "GET" else "/"
    return RedirectResponse(f"/sign-in?next={quote(back, safe='/')}", 303)


def _dressed(response: Response, request_id: str) -> Response:
    response.headers.update(SECURITY)
    response.headers["x-request-id"] = request_id
    response.headers.setdefault("cache-control", "no-store")
    return response


async def _body(request: Request, most_bytes: int) -> bytes:
    """The body. Raises Refused (`oversize`; `request_timeout` where its sender left)."""
    taken = bytearray()
    try:
        async for piece in request.stream():
            taken += piece
            if len(taken) > most_bytes:
                raise Refused("oversize")
    except ClientDisconnect:
        raise Refused("request_timeout") from None
    return bytes(taken)


def _form(request: Request, body: bytes) -> dict[str, str]:
    kind = request.headers.get("content-type", "")
    if not kind.startswith("application/x-www-form-urlencoded"):
        return {}
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50))
    except ValueError as error:
        raise Refused("field_range", "form") from error


def _require_own_origin(request: Request) -> None:
    """A browser names where a form came from; another site's is refused, also that of the sign-in."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise Refused("form_stale")


def _require_own_form(request: Request, form: dict[str, str], who: SignedIn) -> None:
    given = request.headers.get("x-csrf-token") or form.get("csrf", "")
    if not brings(who.csrf, given):
        raise Refused("form_stale")
