"""One connection to Redis: requests packed by hand, replies read by hiredis, answers in order.

The queue of waiting calls is the whole state. Any error empties it: what came after the failed call may or
may not have been carried out, so it is void, and the connection closes. A late reply therefore never
reaches a later call.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import parse_qs, unquote, urlsplit

import hiredis

from shared.contracts.addresses import RedisAddress

from .timeline_port import StoreAway, StoreError

_MORE: Final = object()
_GRACE_S: Final = 0.005
_GONE_S: Final = 1.0

FRAMES_KEPT: Final = 100_000
"""Framed keys remembered, some 20 MB; then the memory starts anew."""

Decode = Callable[[Any], Any]
Explain = Callable[[str], StoreError]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a Redis URL points: ``unix:///path?db=0``, ``redis://user:password@host:port/0``, ``rediss://``."""

    path: str | None
    host: str
    port: int
    user: str | None
    password: str | None
    db: int
    tls: bool


def parse_address(redis: RedisAddress) -> Address:
    """The parts of its URL, signed in as its user. Raises ValueError for another scheme."""
    parts = urlsplit(redis.url)
    if parts.scheme not in ("unix", "redis", "rediss"):
        raise ValueError(f"a Redis URL starts with unix://, redis:// or rediss://, not {parts.scheme!r}")
    is_unix = parts.scheme == "unix"
    query = parse_qs(parts.query)
    db = query["db"][0] if "db" in query else ("" if is_unix else parts.path.strip("/"))
    return Address(
        path=unquote(parts.path) if is_unix else None,
        host=parts.hostname or "localhost",
        port=parts.port or 6379,
        user=redis.user or unquote(parts.username or "") or None,
        password=redis.password or unquote(parts.password or "") or None,
        db=int(db or 0),
        tls=parts.scheme == "rediss",
    )


def framed(part: bytes) -> bytes:
    """A part of a command as RESP bytes."""
    return b"$%d\r\n%b\r\n" % (len(part), part)


def pack(parts: Sequence[bytes]) -> bytes:
    """One command as RESP bytes."""
    return b"".join([b"*%d\r\n" % len(parts), *map(framed, parts)])


class Frames(dict[bytes, bytes]):
    """Keys as parts of commands, remembered: the same ones are asked for again and again."""

    def __missing__(self, key: bytes) -> bytes:
        if len(self) >= FRAMES_KEPT:
            self.clear()
        self[key] = framed(key)
        return self[key]


@dataclass(slots=True, eq=False)
class _Waiting:
    future: asyncio.Future[Any]
    decode: Decode
    explain: Explain
    timer: asyncio.TimerHandle | None = None


class Wire(asyncio.Protocol):
    """A pipelined connection. `send` never waits; each answer comes as a future."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[_Waiting] = deque()
        self._reader = hiredis.Reader(notEnoughData=_MORE)
        self.closed = False
        self._gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio.Transport without being one.
        self._transport = cast(asyncio.Transport, transport)

    def send(self, request: bytes, wait_ms: int, decode: Decode, explain: Explain) -> asyncio.Future[Any]:
        """Sends ``request``; its reply goes through ``decode``, an error reply through ``explain``."""
        future: asyncio.Future[Any] = self._loop.create_future()
        if self.closed or self._transport is None:
            future.set_exception(StoreAway("not connected", maybe_applied=False))
            return future
        waiting = _Waiting(future, decode, explain)
        waiting.timer = self._loop.call_later(wait_ms / 1_000, self._late, waiting, wait_ms, True)
        self._waiting.append(waiting)
        self._transport.write(request)
        return future

    def data_received(self, data: bytes) -> None:
        if self.closed:
            return
        self._reader.feed(data)
        while self._waiting:
            try:
                reply = self._reader.gets()
            except hiredis.ProtocolError as error:
                self.close(StoreAway(f"no Redis protocol: {error}", maybe_applied=True))
                return
            if reply is _MORE:
                return
            if isinstance(reply, hiredis.ReplyError):
                self.close(self._waiting[0].explain(str(reply)))
                return
            self._answer(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        self.close(StoreAway(f"connection lost: {exc or 'closed by the server'}", maybe_applied=True))
        self._gone.set()

    def close(self, error: StoreError) -> None:
        """Fails the first waiting call with ``error`` and voids the rest; nothing is answered after it."""
        if self.closed:
            return
        self.closed = True
        for waiting in self._waiting:
            _fail(waiting, error)
            error = StoreAway("void: an earlier call failed", maybe_applied=True)
        self._waiting.clear()
        if self._transport is not None:
            self._transport.abort()

    async def wait_gone(self) -> None:
        """Returns once the socket is given back; a loop that never says so holds nobody up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_GONE_S):
                await self._gone.wait()

    def _answer(self, reply: Any) -> None:
        waiting = self._waiting.popleft()
        if waiting.timer is not None:
            waiting.timer.cancel()
        if not waiting.future.done():
            waiting.future.set_result(waiting.decode(reply))

    def _late(self, waiting: _Waiting, wait_ms: int, is_first: bool) -> None:
        """A loop that was itself busy past the deadline first reads what has come meanwhile."""
        if waiting.future.done() and waiting not in self._waiting:
            return
        if is_first:
            waiting.timer = self._loop.call_later(_GRACE_S, self._late, waiting, wait_ms, False)
            return
        self.close(StoreAway(f"no answer in {wait_ms} ms", maybe_applied=True))


def _fail(waiting: _Waiting, error: StoreError) -> None:
    if waiting.timer is not None:
        waiting.timer.cancel()
    if not waiting.future.done():
        waiting.future.set_exception(error)
        # The first failure is what the caller acts on; a void call nobody asks about is no leak.
        waiting.future.exception()


async def connect(address: Address, wait_ms: int) -> Wire:
    """An open connection, before any command. Raises StoreAway."""
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context() if address.tls else None
    try:
        async with asyncio.timeout(wait_ms / 1_000):
            if address.path is not None:
                _, wire = await loop.create_unix_connection(lambda: Wire(loop), address.path)
            else:
                _, wire = await loop.create_connection(
                    lambda: Wire(loop), address.host, address.port, ssl=context
                )
    except (OSError, TimeoutError) as error:
        raise StoreAway(f"cannot connect: {error!r}", maybe_applied=False) from error
    return wire
