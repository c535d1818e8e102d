"""A record of ``requests`` becomes a job in SQL, a dead letter, or nothing; only then is it acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from shared.bus.dead_letters import dead_letter
from shared.bus.ports import LogAway, Message
from shared.contracts.card_numbers import CardKey
from shared.contracts.codec import DecodeError, decode
from shared.contracts.operations import ReplayRequest, TrainingRequest
from shared.contracts.outcome import Dead, Forward, Outcome
from shared.runtime.clock import Clock
from shared.runtime.logs import get_logger
from shared.stores.database import DatabaseAway

from .jobs import JobTable
from .outbox import Outbox

FOR_OTHERS: Final = frozenset({b"replay", b"scenario"})
RETRY_SECONDS: Final = 1.0

_log = get_logger("trainer.intake")


def judge(key: bytes | None, value: bytes | None, portfolio: str) -> Outcome[TrainingRequest] | None:
    """What a record of ``requests`` asks of the trainer; None: it is for another service."""
    if key in FOR_OTHERS:
        return None
    try:
        request = decode(TrainingRequest, value or b"")
    except DecodeError as error:
        return None if _is_replay(value or b"") else Dead(error.code, error.field)
    return Forward(request) if request.portfolio == portfolio else Dead("field_range", "portfolio")


def _is_replay(value: bytes) -> bool:
    try:
        decode(ReplayRequest, value)
    except DecodeError:
        return False
    return True


class Intake:
    """Handles one record to its end. An absent dependency is waited for; nothing is lost meanwhile."""

    def __init__(
        self,
        jobs: JobTable,
        outbox: Outbox,
        clock: Clock,
        portfolio: str,
        wake: Callable[[], None],
        cards: CardKey,
    ) -> None:
        self._jobs = jobs
        self._outbox = outbox
        self._clock = clock
        self._portfolio = portfolio
        self._wake = wake
        self._cards = cards
        self.handled = 0
        self.refused: dict[str, int] = {}

    async def take(self, message: Message) -> None:
        """Record or bury ``message``; returns when that is certain."""
        outcome = judge(message.key, message.value, self._portfolio)
        if isinstance(outcome, Forward):
            await _until_done(lambda: self._record(outcome.value))
        elif isinstance(outcome, Dead):
            await _until_done(lambda: self._bury(message, outcome))
        self.handled += 1

    async def _record(self, request: TrainingRequest) -> None:
        fresh = await asyncio.to_thread(self._jobs.record, request, self._clock.now_ms())
        _log.info("requested" if fresh else "requested again", request_id=request.request_id)
        self._wake()

    async def bury_after(self, message: Message, attempts: int, error: Exception) -> None:
        """Bury a record that our own code failed on so many times."""
        detail = type(error).__name__
        await _until_done(lambda: self._bury(message, Dead("bug"), attempts, detail))

    async def _bury(self, message: Message, dead: Dead, attempt: int = 1, detail: str = "") -> None:
        now_ms = self._clock.now_ms()
        await self._outbox.bury(dead_letter(message, dead, "trainer", attempt, now_ms, self._cards, detail))
        self.refused[dead.reason] = self.refused.get(dead.reason, 0) + 1


async def _until_done(act: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            return await act()
        except (LogAway, DatabaseAway, OSError) as error:
            _log.warning("request waits", error=type(error).__name__, detail=str(error)[:200])
            await asyncio.sleep(RETRY_SECONDS)
