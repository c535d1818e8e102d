"""A connection: bounded headers, requests that come in time, and an answer for whoever sends too much."""

from __future__ import annotations

import asyncio
from asyncio.events import TimerHandle
from collections.abc import Callable
from typing import Any, ClassVar, Final, NamedTuple

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEADER_BYTES: Final = 16_384
LINGER_S: Final = 1.0
LINGER_BYTES: Final = 32 << 20


class Told(NamedTuple):
    """How a refusal is told: status, JSON body, and when to come again, None where that helps nobody."""

    status: int
    body: bytes
    retry_after_s: int | None = None


class LingeringTransport:
    """A transport that, while a request is still coming in, closes its own side first.

    A socket that is closed with bytes unread resets the connection, and the sender never sees why it was
    refused. So the rest is read and dropped until the sender has done, for a while.
    """

    def __init__(self, transport: asyncio.Transport, is_incoming: Callable[[], bool]) -> None:
        self._transport = transport
        self._is_incoming = is_incoming
        self._timer: TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self._timer is not None or self._transport.is_closing()

    def close(self) -> None:
        """Close, at once or gently."""
        if self.is_closing():
            return
        if not self._is_incoming():
            self._transport.close()
            return
        self._transport.write_eof()
        self._transport.resume_reading()
        self._timer = asyncio.get_running_loop().call_later(LINGER_S, self._transport.close)

    def lost(self) -> None:
        """The connection is gone."""
        if self._timer is not None:
            self._timer.cancel()

    def close_now(self) -> None:
        """Whatever still comes in."""
        self._transport.close()


class GuardedProtocol(HttpToolsProtocol):
    """Closes a connection above the limit, one whose headers are too long, and one that trickles.

    uvicorn itself waits for ever for the rest of a request. ``told`` makes the answer of a reason code:
    `overloaded`, `header_length`, `not_http` or `request_timeout`.
    """

    told: ClassVar[Callable[[str], Told]]

    limit_s: ClassVar[float] = 10.0
    connections_limit: ClassVar[int] = 2_000

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or close it where there are enough."""
        self._gentle = LingeringTransport(transport, lambda: self._is_incoming)
        self._is_incoming = False
        self._is_reading_head = True
        self._head_bytes = 0
        self._dropped_bytes = 0
        super().connection_made(self._gentle)  # type: ignore[arg-type]  # all that uvicorn asks of one
        self._timer: TimerHandle | None = self.loop.call_later(self.limit_s, self._late)
        if len(self.connections) > self.connections_limit:
            self._end("overloaded")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._stop_timer()
        self._gentle.lost()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse; drop the rest of a request that was refused."""
        if self._gentle.is_closing():
            self._dropped_bytes += len(data)
            if self._dropped_bytes > LINGER_BYTES:
                self._gentle.close_now()
            return
        if self._is_reading_head:
            self._head_bytes += len(data)
        super().data_received(data)
        # A head without an end calls nobody back, so it is counted here as well.
        if self._is_reading_head and self._head_bytes > HEADER_BYTES:
            self._end("header_length")

    def on_message_begin(self) -> None:
        """A request begins: it has its time from now."""
        super().on_message_begin()
        self._is_incoming = self._is_reading_head = True
        self._told_bytes = 0
        self._stop_timer()
        self._timer = self.loop.call_later(self.limit_s, self._late)

    def on_url(self, url: bytes) -> None:
        """A piece of the address."""
        self._told_bytes += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header with its colon, space and line end."""
        self._told_bytes += len(name) + len(value) + 4
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole; one that is too long goes no further, and nothing that comes after it."""
        if self._gentle.is_closing():
            return
        if self._told_bytes > HEADER_BYTES:
            self._end("header_length")
            return
        self._is_reading_head = False
        self._head_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if not self._gentle.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole: how long its answer takes is not the sender's fault."""
        self._is_incoming = False
        self._stop_timer()
        if not self._gentle.is_closing():
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Bytes that are no HTTP."""
        self._end("not_http")

    def _late(self) -> None:
        self._timer = None
        if self._is_incoming or self._head_bytes:
            self._end("request_timeout")
        else:
            self._gentle.close()  # it has asked nothing, so nothing is answered

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self, code: str) -> None:
        """Tell why, where no answer is under way or given, and close."""
        if self._gentle.is_closing():
            return
        if self._may_answer():
            self._gentle.write(_bare_answer(type(self).told(code)))
        if self.cycle is not None:
            # Nobody is left to answer: what waits for the rest of a body, waits no longer.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._gentle.close()

    def _may_answer(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None:
            return True
        return cycle.response_complete if self._is_reading_head else not cycle.response_started


def _bare_answer(told: Told) -> bytes:
    """An answer to a request that was never whole."""
    retry = "" if told.retry_after_s is None else f"retry-after: {told.retry_after_s}\r\n"
    head = (
        f"HTTP/1.1 {told.status} Refused\r\ncontent-type: application/json\r\n{retry}"
        f"content-length: {len(told.body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + told.body
