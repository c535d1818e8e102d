"""Calls that block and may find what they need away: made in a thread, and made again until they succeed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from mode import Service

T = TypeVar("T")

FIRST_PAUSE_MS: Final = 200


@dataclass(slots=True)
class Patience:
    """Waits for one dependency: ``away`` is how a call says that it is not there.

    ``beat`` is called at each try, so that waiting is not taken for standing still; ``log`` is told of each
    pause as ``event``. `waiting_for` says what is away, "" while nothing is.
    """

    away: type[Exception]
    beat: Callable[[], None]
    retry_max_ms: int
    log: Any
    event: str
    waiting_for: str = ""

    async def until_done(self, service: Service, call: Callable[[], T]) -> T | None:
        """What ``call`` gives, tried again after growing pauses; None: ``service`` is stopping."""
        pause_ms = FIRST_PAUSE_MS
        while True:
            try:
                done = await asyncio.to_thread(call)
            except self.away as error:
                self.log.warning(self.event, detail=str(error), wait_ms=pause_ms)
                self.waiting_for = str(error)
            else:
                self.waiting_for = ""
                return done
            if service.should_stop:
                return None
            self.beat()
            await service.sleep(pause_ms / 1000)
            pause_ms = min(pause_ms * 2, self.retry_max_ms)
