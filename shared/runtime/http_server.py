"""uvicorn as a service of ours."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final

import uvicorn
from mode import Service

from .http_protocol import GuardedProtocol, Told

BACKLOG: Final = 1_024
KEEP_ALIVE_S: Final = 75
DRAIN_S: Final = 10


class _Server(uvicorn.Server):
    """Signals are the process's own matter."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing to capture."""
        yield


class HttpServer(Service):
    """Listens while it runs; at the end requests under way get their answers.

    ``port`` 0 takes a free one; `.port` tells which. ``told``: see `GuardedProtocol`.
    """

    def __init__(
        self,
        app: Any,
        address: tuple[str, int],
        timeout_s: float,
        connections: int,
        told: Callable[[str], Told],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._address = address
        bounds = {"limit_s": timeout_s, "connections_limit": connections, "told": staticmethod(told)}
        protocol = type("Protocol", (GuardedProtocol,), bounds)
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
        self._is_serving = False
        self.port = address[1]

    async def on_start(self) -> None:
        """Listen: who comes before the server is up waits. Raises OSError when the port is taken."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        # Named as TCP, or the loop of the standard library leaves small answers waiting for 40 ms.
        self._socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(self._address)
        self._socket.listen(BACKLOG)
        self.port = self._socket.getsockname()[1]

    @Service.task
    async def _serve(self) -> None:
        assert self._socket is not None, "on_start() comes first"
        self._is_serving = True
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            self._is_serving = False

    async def on_stop(self) -> None:
        """Take no more, answer what is under way; uvicorn then lets go of the port itself."""
        self._server.should_exit = True
        for _ in range(DRAIN_S * 20):
            if not self._is_serving:
                break
            await asyncio.sleep(0.05)

    async def on_shutdown(self) -> None:
        """Close the port where the end came before the server was up."""
        if self._socket is not None:
            self._socket.close()
