"""Keep-alive connections without a client library: bytes out, status and body in."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, cast

from httptools import HttpResponseParser

from .bodies import Target
from .metronome import now_ns

BROKEN: Final = 0
"""The status of a request whose connection broke."""

Heard = Callable[[int, int, bytes], None]
"""Told of each end of a request: when it was due (ns), its status, its body."""


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    __slots__ = ("_body", "_parser", "_pool", "_transport", "due_ns")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self.due_ns = 0
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport has another base class, and the same methods.
        self._transport = cast(asyncio.Transport, transport)
        self._parser = HttpResponseParser(self)
        self._pool.free(self)

    def send(self, request: bytes, due_ns: int) -> None:
        """Write ``request``, which was due at ``due_ns``."""
        self.due_ns = due_ns
        assert self._transport is not None, "a connection is in the pool once it is made"
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """A part of the answer's body, told by the parser."""
        self._body = self._body + body if self._body else body

    def on_message_complete(self) -> None:
        """The answer is whole, told by the parser."""
        due_ns, body, status = self.due_ns, self._body, self._parser.get_status_code()
        self.due_ns, self._body = 0, b""
        if self._parser.should_keep_alive():
            self._pool.free(self)
        else:
            self.close()
        self._pool.ended(due_ns, status, body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.gone(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Pool:
    """A fixed number of connections; a request that finds none free waits, and its time runs.

    ``late_ns`` has for each request how long after it was due it was written; ``starved`` counts those that
    waited for a connection.
    """

    def __init__(self, where: Target, heard: Heard) -> None:
        self._where = where
        self._heard = heard
        self._idle: list[Connection] = []
        self._connections: set[Connection] = set()
        self._waiting: deque[tuple[bytes, int]] = deque()
        self._opening: set[asyncio.Task[None]] = set()
        self._is_open = False
        self._quiet = asyncio.Event()
        self.late_ns: list[int] = []
        self.starved = 0
        self.open_requests = 0

    async def open(self, count: int) -> None:
        """Make ``count`` connections. Raises OSError."""
        self._is_open = True
        await asyncio.gather(*[self._connect() for _ in range(count)])

    def send(self, request: bytes, due_ns: int) -> None:
        """Write ``request`` on a free connection, or when one comes free."""
        self.open_requests += 1
        self._quiet.clear()
        if self._idle:
            self._write(self._idle.pop(), request, due_ns)
        else:
            self.starved += 1
            self._waiting.append((request, due_ns))

    def ended(self, due_ns: int, status: int, body: bytes) -> None:
        """A request has its answer."""
        self.open_requests -= 1
        self._heard(due_ns, status, body)
        if not self.open_requests:
            self._quiet.set()

    def free(self, connection: Connection) -> None:
        """A connection can take a request."""
        if self._waiting:
            self._write(connection, *self._waiting.popleft())
        else:
            self._idle.append(connection)

    def gone(self, connection: Connection) -> None:
        """A connection was lost: its request is broken, and another connection takes its place."""
        if connection.due_ns:
            self.ended(connection.due_ns, BROKEN, b"")
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._is_open:
            again = asyncio.ensure_future(self._connect())
            self._opening.add(again)
            again.add_done_callback(self._opening.discard)

    async def quiet(self, within_s: float) -> None:
        """Until everything is answered, or ``within_s`` have passed."""
        if self.open_requests:
            waiting = asyncio.ensure_future(self._quiet.wait())
            await asyncio.wait([waiting], timeout=within_s)
            waiting.cancel()

    async def close(self) -> None:
        """Give up what is under way and let the connections go."""
        self._is_open = False
        for opening in self._opening:
            opening.cancel()
        for connection in list(self._connections):
            connection.close()
        await asyncio.sleep(0)

    def _write(self, connection: Connection, request: bytes, due_ns: int) -> None:
        self.late_ns.append(now_ns() - due_ns)
        connection.send(request, due_ns)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        connection = Connection(self)
        self._connections.add(connection)
        await loop.create_connection(lambda: connection, self._where.host, self._where.port)
