"""uvicorn as a service of ours: bounded connections, bounded headers, requests that come in time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from asyncio.events import TimerHandle
from collections.abc import Iterator
from typing import Any, ClassVar, Final

import uvicorn
from mode import Service
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.gateway.core.refusal import Refused, fault_body

HEADER_BYTES: Final = 16_384
BACKLOG: Final = 1_024
KEEP_ALIVE_S: Final = 75
DRAIN_S: Final = 10


class GuardedProtocol(HttpToolsProtocol):
    """Closes a connection above the limit, one whose headers are too long, and one that trickles.

    uvicorn itself waits for ever for the rest of a request.
    """

    limit_s: ClassVar[float] = 10.0
    connections_limit: ClassVar[int] = 2_000

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or close it where there are enough."""
        super().connection_made(transport)
        self._head_bytes = 0
        self._reading_head = True
        self._timer: TimerHandle | None = self.loop.call_later(self.limit_s, self._late)
        if len(self.connections) > self.connections_limit:
            self._end(Refused("overloaded", retry_after_s=1.0))

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count the head's bytes; parse."""
        if self._reading_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._reading_head and self._head_bytes > HEADER_BYTES:
            self._end(Refused("header_length"))

    def on_message_begin(self) -> None:
        """A request begins: it has its time from now."""
        super().on_message_begin()
        self._reading_head = True
        self._stop_timer()
        self._timer = self.loop.call_later(self.limit_s, self._late)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._reading_head = False
        self._head_bytes = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole: how long its answer takes is not the sender's fault."""
        self._stop_timer()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Bytes that are no HTTP."""
        self._end(Refused("not_http"))

    def _late(self) -> None:
        self._timer = None
        if self._reading_head and not self._head_bytes:
            self.transport.close()  # it has asked nothing, so nothing is answered
        else:
            self._end(Refused("request_timeout"))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self, refused: Refused) -> None:
        """Tell why, where no answer is under way, and close."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_bare_answer(refused))
        self.transport.close()


def _bare_answer(refused: Refused) -> bytes:
    """An answer to a request that has no id: it was never whole."""
    body = fault_body(refused, "")
    retry = "" if refused.retry_after_s is None else f"retry-after: {int(refused.retry_after_s)}\r\n"
    head = (
        f"HTTP/1.1 {refused.status} Refused\r\ncontent-type: application/json\r\n{retry}"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


class _Server(uvicorn.Server):
    """Signals are the process's own matter."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing to capture."""
        yield


class HttpServer(Service):
    """Listens while it runs; at the end requests under way get their answers.

    ``port`` 0 takes a free one; `.port` tells which.
    """

    def __init__(
        self, app: Any, host: str, port: int, timeout_s: float, connections: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._address = (host, port)
        protocol = type(
            "Protocol", (GuardedProtocol,), {"limit_s": timeout_s, "connections_limit": connections}
        )
        config = uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=DRAIN_S,
        )
        self._server = _Server(config)
        self._socket: socket.socket | None = None
        self.port = port

    async def on_start(self) -> None:
        """Bind. Raises OSError when the port is taken."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(self._address)
        self.port = self._socket.getsockname()[1]

    @Service.task
    async def _serve(self) -> None:
        assert self._socket is not None, "on_start() comes first"
        await self._server.serve(sockets=[self._socket])

    async def on_stop(self) -> None:
        """Take no more, answer what is under way."""
        self._server.should_exit = True
        for _ in range(DRAIN_S * 20):
            if not self._server.started or not self._server.server_state.connections:
                break
            await asyncio.sleep(0.05)
