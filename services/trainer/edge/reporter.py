"""The trainer's word about itself, once a second, and its watch over the group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

from mode import Service

from shared.bus.ports import LogAway
from shared.bus.status_reports import say_last
from shared.contracts.operations import Status
from shared.runtime.clock import Clock
from shared.runtime.health import Health
from shared.runtime.memory import rss_bytes
from shared.stores.database import DatabaseAway

from .intake import Intake
from .jobs import JobState, JobTable
from .outbox import Outbox

EVERY_SECONDS: Final = 1.0
GROUP: Final = "group"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who speaks, and after how long without a partition the process ends (the supervisor starts another).

    On a coordinator error Faust stays up without partitions for ever.
    """

    instance: str
    portfolio: str
    stuck_after_s: float


class Stuck(Exception):
    """The trainer holds no partition of ``requests`` for too long."""


class Reporter(Service):
    """Reports; and says through health whether this process holds its partition of ``requests``."""

    def __init__(
        self,
        identity: Identity,
        intake: Intake,
        jobs: JobTable,
        outbox: Outbox,
        partitions: Callable[[], int],
        clock: Clock,
        health: Health,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._identity = identity
        self._intake = intake
        self._jobs = jobs
        self._outbox = outbox
        self._partitions = partitions
        self._clock = clock
        self._health = health
        self._alone_s = 0.0

    @Service.task
    async def _report(self) -> None:
        while not self.should_stop:
            held = self._watch_group()
            if self._alone_s > self._identity.stuck_after_s:
                raise Stuck(f"no partition of requests for {self._alone_s:.0f} s")
            try:
                status = await asyncio.to_thread(self._status, held)
                self._health.tell(status)
                if self._has_ended():
                    return  # its last word has been said
                await self._outbox.report(status)
            except (LogAway, DatabaseAway):
                self._health.hold("status", "kafka_away")
            else:
                self._health.clear("status")
            await self.sleep(EVERY_SECONDS)

    async def on_stop(self) -> None:
        """A last word, while the producer still stands; a database that is away leaves it unsaid."""
        with suppress(DatabaseAway):
            await say_last(self, self._outbox.report, await asyncio.to_thread(self._status, True))

    def _has_ended(self) -> bool:
        return self.should_stop

    def _watch_group(self) -> bool:
        held = self._partitions() > 0
        if held:
            self._health.clear(GROUP)
            self._health.started()
            self._alone_s = 0.0
        else:
            self._alone_s += EVERY_SECONDS
            self._health.hold(GROUP, "holds no partition of requests")
        return held

    def _status(self, held: bool) -> Status:
        running = self._jobs.count(JobState.RUNNING)
        state: Literal["ready", "waiting"] = "ready" if held else "waiting"
        return Status(
            v=1,
            service="trainer",
            instance=self._identity.instance,
            at_ms=self._clock.now_ms(),
            state=state,
            detail="training" if running else "",
            portfolio=self._identity.portfolio,
            rss_bytes=rss_bytes(),
            handled=self._intake.handled,
            refused=self._intake.refused,
            numbers={f"jobs_{state}": float(self._jobs.count(state)) for state in JobState},
        )
