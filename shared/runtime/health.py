"""Health by progress: a part that must move beats; one that stopped beating makes the process not alive.

`/livez` asks whether every part moved within its deadline, `/startupz` whether the start is over,
`/readyz` whether it is and every condition holds. Answers are JSON with the reasons; 200 or 503.
`/metrics` shows Prometheus what the process last said about itself.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from .metrics import CONTENT_TYPE, Word, registry_of, text_of

HOST: Final = "127.0.0.1"
THREAD_WAIT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint says: ``faults`` are sentences, none when all is well; ``notes`` are facts to show."""

    faults: tuple[str, ...]
    notes: dict[str, str | int | float]

    @property
    def ok(self) -> bool:
        """Whether there is no fault."""
        return not self.faults


class Health:
    """What a process knows about itself. Safe to use from several threads.

    ``progress_deadline_s`` bounds the time between two beats of any part. ``monotonic`` gives seconds.
    """

    def __init__(self, progress_deadline_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._deadline_s = progress_deadline_s
        self._monotonic = monotonic
        self._beats: dict[str, float] = {}
        self._conditions: dict[str, str] = {}
        self._notes: dict[str, str | int | float] = {}
        self._started = False
        self.word: Word | None = None

    def tell(self, word: Word) -> None:
        """What the process says about itself now; `/metrics` shows it until the next."""
        self.word = word

    def beat(self, part: str) -> None:
        """``part`` made progress now; from its first beat on it must go on beating."""
        self._beats[part] = self._monotonic()

    def rest(self, part: str) -> None:
        """``part`` ended on purpose and owes no more beats."""
        self._beats.pop(part, None)

    def hold(self, condition: str, why: str) -> None:
        """Not ready as long as ``condition`` is held; ``why`` is a sentence or a reason code."""
        self._conditions[condition] = why

    def clear(self, condition: str) -> None:
        """The condition is met."""
        self._conditions.pop(condition, None)

    def started(self) -> None:
        """The start is over: caches are warm, connections stand."""
        self._started = True

    def note(self, name: str, value: str | int | float) -> None:
        """A fact that the status shows, such as the lag or the release."""
        self._notes[name] = value

    def live(self) -> Answer:
        """Whether everything that must move, moves."""
        now = self._monotonic()
        late = [
            f"{part} made no progress for {now - last:.1f} s"
            for part, last in sorted(self._beats.items())
            if now - last > self._deadline_s
        ]
        return Answer(tuple(late), dict(self._notes))

    def start_over(self) -> Answer:
        """Whether the start is over."""
        return Answer(() if self._started else ("still starting",), dict(self._notes))

    def ready(self) -> Answer:
        """Whether the process can do its work now."""
        held = tuple(f"{name}: {why}" for name, why in sorted(self._conditions.items()))
        return Answer((*self.start_over().faults, *self.live().faults, *held), dict(self._notes))


class HealthServer:
    """The endpoints, on loopback unless told otherwise. ``port`` 0 takes a free one; `.port` tells which."""

    def __init__(self, health: Health, port: int, host: str = HOST) -> None:
        self._health = health
        self._host = host
        self.port = port
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        application = web.Application()
        for path, question in {
            "/livez": self._health.live,
            "/readyz": self._health.ready,
            "/startupz": self._health.start_over,
        }.items():
            application.router.add_get(path, _handler(question))
        application.router.add_get("/metrics", _metrics_handler(self._health))
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the port; nothing happens when it is not open."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


def _handler(question: Callable[[], Answer]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(_: web.Request) -> web.StreamResponse:
        answer = question()
        body = {"status": "ok" if answer.ok else "fault", "faults": answer.faults, "notes": answer.notes}
        return web.json_response(body, status=200 if answer.ok else 503)

    return handle


def _metrics_handler(health: Health) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    registry = registry_of(lambda: health.word)

    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(body=text_of(registry), headers={"Content-Type": CONTENT_TYPE})

    return handle


@contextmanager
def health_thread(health: Health, port: int, host: str = HOST) -> Iterator[HealthServer]:
    """The server in a thread of its own, for programs without a loop. Raises OSError for a taken port."""
    server = HealthServer(health, port, host)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="health", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(THREAD_WAIT_S)
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(THREAD_WAIT_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(THREAD_WAIT_S)
        loop.close()
