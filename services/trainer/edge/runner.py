"""Runs the recorded jobs one after the other, each in a child, and announces what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mode import Service

from shared.bus.ports import LogAway
from shared.contracts.models import ModelCard
from shared.contracts.operations import TrainingRequest
from shared.runtime.clock import Clock
from shared.runtime.health import Health
from shared.runtime.logs import get_logger
from shared.stores.database import DatabaseAway

from ..core.failure import failed_card
from .child import ChildFailed, train_in_child
from .jobs import Job, JobTable
from .order import Desk, Order, Result
from .outbox import Outbox

ATTEMPTS: Final = 3
IDLE_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 2.0
BEAT_SECONDS: Final = 1.0
PART: Final = "runner"

_log = get_logger("trainer.runner")


@dataclass(frozen=True, slots=True)
class Places:
    """Where a training finds its inputs and leaves its model; ``limit_seconds`` bounds one training."""

    portfolio: str
    portfolio_file: Path | None
    lake: Path
    artefacts: Path
    keys: Path
    signing_key: str
    desk: Path
    limit_seconds: float

    def order(self, request: TrainingRequest) -> Order:
        """The order for a request."""
        return Order(
            request=request,
            portfolio=self.portfolio,
            portfolio_file=str(self.portfolio_file.absolute()) if self.portfolio_file else None,
            lake=str(self.lake.absolute()),
            artefacts=str(self.artefacts.absolute()),
            keys=str(self.keys.absolute()),
            signing_key=self.signing_key,
        )


class JobRunner(Service):
    """One job at a time, oldest first. A job left running by an ended trainer goes on where it can.

    A card is announced once: it is looked for on ``candidates`` before a training starts and before the
    card of a job that was tried before is announced.
    """

    def __init__(
        self, jobs: JobTable, outbox: Outbox, places: Places, clock: Clock, health: Health, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._jobs = jobs
        self._outbox = outbox
        self._places = places
        self._clock = clock
        self._health = health
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There may be a new job."""
        self._wake.set()

    @Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            self._wake.clear()
            try:
                worked = await self._next()
            except (LogAway, DatabaseAway, OSError) as error:
                _log.warning("job waits", error=type(error).__name__, detail=str(error)[:200])
                await self.sleep(RETRY_SECONDS)
                continue
            if not worked:
                await self._wait()

    @Service.task
    async def _beat(self) -> None:
        while not self.should_stop:
            self._health.beat(PART)
            await self.sleep(BEAT_SECONDS)

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), IDLE_SECONDS)
        except TimeoutError:
            return

    async def _next(self) -> bool:
        """Do the oldest unfinished job; False if there is none."""
        job = await asyncio.to_thread(self._jobs.unfinished)
        if job is None:
            return False
        request_id = job.request.request_id
        card = await asyncio.to_thread(self._outbox.announced, request_id)
        desk = Desk(self._places.desk, request_id)
        result = await asyncio.to_thread(desk.result)
        if card is None:
            result = result or await self._train(job, desk)
            if result is None:
                return True
            card = result.card
            await self._outbox.announce(card)
        await self._finish(card, result.stages_ms if result else {}, desk)
        return True

    async def _train(self, job: Job, desk: Desk) -> Result | None:
        """The result of one attempt; None if it is worth another."""
        request = job.request
        await asyncio.to_thread(self._jobs.start, request.request_id, self._clock.now_ms())
        _log.info("training", request_id=request.request_id, attempt=job.attempts + 1)
        try:
            await train_in_child(desk, self._places.order(request), self._places.limit_seconds)
        except ChildFailed as error:
            _log.error("training ended", request_id=request.request_id, detail=str(error))
            if job.attempts + 1 < ATTEMPTS:
                await self.sleep(RETRY_SECONDS)
                return None
            detail = f"The training was tried {ATTEMPTS} times; the last time {error}."
            return Result(card=failed_card(request, detail), stages_ms={})
        return await asyncio.to_thread(desk.result)

    async def _finish(self, card: ModelCard, stages_ms: dict[str, int], desk: Desk) -> None:
        await asyncio.to_thread(self._jobs.finish, card, stages_ms, self._clock.now_ms())
        await asyncio.to_thread(desk.clear)
        _log.info("announced", request_id=card.request_id, state=card.outcome, artefact=card.artefact)
