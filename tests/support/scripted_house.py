"""A small real HTTP server in a house's place: answers payments once, and misbehaves as a script says."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec
import uvicorn

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]


class Seen(NamedTuple):
    """One request as it arrived."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


Act = Callable[[Seen, Send], Awaitable[None]]


class ScriptedHouse:
    """An ASGI application. ``script`` is played one act per request, then payments are answered."""

    def __init__(self) -> None:
        self.url = ""
        self.script: deque[Act] = deque()
        self.seen: list[Seen] = []
        self.answers: dict[str, bytes] = {}

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = scope["query_string"].decode()
        seen = Seen(scope["method"], scope["raw_path"].decode(), query, headers, body)
        self.seen.append(seen)
        act = self.script.popleft() if self.script else self.decide
        await act(seen, send)

    async def decide(self, seen: Seen, send: Send) -> None:
        """The answer to a payment, the same for the same id."""
        await _whole(send, 200, self.answer_to(seen))

    async def decide_and_break(self, seen: Seen, send: Send) -> None:
        """Decides, and the connection breaks in the middle of the answer."""
        await cut(self.answer_to(seen))(seen, send)

    def answer_to(self, seen: Seen) -> bytes:
        """JSON of the answer that a payment has; made where it has none."""
        tx_id = msgspec.json.decode(seen.body)["tx_id"]
        number = len(self.answers) + 1
        fresh = {"tx_id": tx_id, "kind": "final", "action": "review", "answered_at_ms": 1_700_000_000_000}
        fresh |= {"decision_id": f"d-{number}", "score": 0.75, "reasons": ["score_review"], "later": {}}
        return self.answers.setdefault(tx_id, msgspec.json.encode(fresh))


def say(status: int, body: object = b"", **headers: str) -> Act:
    """An act that answers with ``body``, bytes as they are and anything else as JSON."""
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]

    async def act(_: Seen, send: Send) -> None:
        await _whole(send, status, raw, told)

    return act


def refuse(status: int, code: str, field: str = "", **headers: str) -> Act:
    """An act that refuses as the front door does."""
    fault = {"code": code, "field": field, "message": f"Because of {code}.", "request_id": "r-1"}
    return say(status, {"error": fault}, **headers)


def cut(answer: bytes) -> Act:
    """An act whose connection breaks in the middle of ``answer``."""

    async def act(_: Seen, send: Send) -> None:
        await _start(send, 200, [(b"content-length", b"%d" % len(answer))])
        await send({"type": "http.response.body", "body": answer[: len(answer) // 2], "more_body": True})

    return act


def silent(seconds: float) -> Act:
    """An act that says nothing for long."""

    async def act(_: Seen, send: Send) -> None:
        await asyncio.sleep(seconds)

    return act


def dripping(pieces: int, every_s: float) -> Act:
    """An act that answers a byte at a time."""

    async def act(_: Seen, send: Send) -> None:
        await _start(send, 200, [])
        for _i in range(pieces):
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.sleep(every_s)

    return act


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The address of ``app``, served by a thread of this process."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        config = uvicorn.Config(
            app, log_config=None, log_level="critical", lifespan="off", ws="none", timeout_graceful_shutdown=0
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


async def _start(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    told = [(b"x-request-id", b"r-1"), *headers]
    await send({"type": "http.response.start", "status": status, "headers": told})


async def _whole(send: Send, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
    await _start(send, status, [(b"content-length", b"%d" % len(body)), *headers])
    await send({"type": "http.response.body", "body": body})
