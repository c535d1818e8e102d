"""Bytes out and bytes in, by httpx, blocking and awaiting.

Imported when a client is made: httpx takes longer to import than the rest of the room.
"""

from __future__ import annotations

import asyncio
import ssl
from time import monotonic
from typing import Any, Final

import httpx

from .reading import Lost, Reply
from .requests import Attempt, Request, address, headers

_LIMITS: Final = httpx.Limits(max_connections=256, max_keepalive_connections=64)


class Blocking:
    """One house, asked by threads that wait."""

    def __init__(self, url: str, key: str, trust: ssl.SSLContext | None) -> None:
        self._http = httpx.Client(**_options(url, key, trust))

    def hear(self, request: Request, attempt: Attempt) -> Reply | Lost:
        """Send once, and what came of it within the attempt's time."""
        left = _Left(attempt.within_s)
        content = _content(request, left)
        try:
            with self._http.stream(request.method, attempt.target, **content) as response:
                parts = []
                for part in response.iter_raw():
                    parts.append(part)
                    if left.seconds() <= 0:
                        return Lost("timed_out")
                return _reply(response, b"".join(parts))
        except httpx.TransportError as error:
            return lost(error)

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()


class Awaiting:
    """One house, asked by tasks of one event loop."""

    def __init__(self, url: str, key: str, trust: ssl.SSLContext | None) -> None:
        self._http = httpx.AsyncClient(**_options(url, key, trust))

    async def hear(self, request: Request, attempt: Attempt) -> Reply | Lost:
        """Send once, and what came of it within the attempt's time."""
        content = _content(request, _Left(attempt.within_s))
        try:
            async with asyncio.timeout(attempt.within_s):
                async with self._http.stream(request.method, attempt.target, **content) as response:
                    return _reply(response, b"".join([part async for part in response.aiter_raw()]))
        except TimeoutError:
            return Lost("timed_out")
        except httpx.TransportError as error:
            return lost(error)

    async def close(self) -> None:
        """Let the connections go."""
        await self._http.aclose()


class _Left(dict[str, float]):
    """Timeouts as httpx's transport asks for them, stage by stage: each gets what is left of the attempt."""

    def __init__(self, within_s: float) -> None:
        super().__init__()
        self._ends_s = monotonic() + within_s

    def seconds(self) -> float:
        return self._ends_s - monotonic()

    def get(self, stage: str, default: Any = None) -> float:
        return max(self.seconds(), 0.001)


def lost(error: httpx.TransportError) -> Lost:
    """What a failure of the connection means. Raises the one that is our own: a request that HTTP forbids."""
    if isinstance(error, httpx.LocalProtocolError):
        raise error
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return Lost("unreachable", may_have_arrived=False)
    if isinstance(error, httpx.PoolTimeout):
        return Lost("timed_out", may_have_arrived=False)
    return Lost("timed_out" if isinstance(error, httpx.TimeoutException) else "broken_off")


def _options(url: str, key: str, trust: ssl.SSLContext | None) -> dict[str, Any]:
    """How both clients are made. Raises ValueError."""
    base = address(url)
    if trust is None and base.startswith("http://"):
        # Reading a machine's certificates takes 50 ms, and here nobody shows one: this context trusts none.
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return {
        "base_url": base,
        "headers": headers(key),
        "verify": trust or True,
        "limits": _LIMITS,
        # Neither a proxy nor a .netrc of the environment may come between a payment and its house.
        "trust_env": False,
    }


def _content(request: Request, left: _Left) -> dict[str, Any]:
    content: dict[str, Any] = {"extensions": {"timeout": left}}
    if request.body:
        content |= {"content": request.body, "headers": {"content-type": request.media_type}}
    return content


def _reply(response: httpx.Response, body: bytes) -> Reply:
    told = response.headers
    return Reply(response.status_code, body, told.get("retry-after", ""), told.get("x-request-id", ""))
