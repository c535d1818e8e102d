"""The watchdog: a worker that cannot go on by itself ends, and the supervisor restarts it (F15)."""

from __future__ import annotations

import asyncio
from typing import Any

from mode import Service

from shared.bus.ports import LogAway
from shared.runtime.health import Health

from .pump import Pump
from .state import StateCalls

LOOK_S = 0.5
LOOKS = 6
"""How often in a row the log is asked, over the time allowed, before a worker counts as stuck."""


class Stuck(Exception):
    """The worker has no partitions, or makes no progress, for too long; the supervisor restarts it."""


class Watchdog(Service):
    """Crashes a worker that is stuck: liveness is progress, not a running process."""

    def __init__(
        self, pump: Pump, states: StateCalls, health: Health, stuck_after_s: float, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._pump = pump
        self._states = states
        self._health = health
        self._stuck_after_s = stuck_after_s
        self._seen = self._progress()

    @Service.task
    async def _watch_assignment(self) -> None:
        """A coordinator error can leave a member without partitions for ever; a spare one has its place."""
        now_s = asyncio.get_running_loop().time
        since_s = now_s()
        while not self.should_stop:
            await self.sleep(LOOK_S)
            if self._pump.assigned or not self._pump.joining:
                since_s = now_s()
                self._health.clear("assignment")
                continue
            self._health.hold("assignment", "no partitions are assigned")
            if self._pump.spare:
                since_s = now_s()
            elif now_s() - since_s >= self._stuck_after_s:
                raise Stuck(f"no partitions for {now_s() - since_s:.0f} s")

    @Service.task
    async def _watch_progress(self) -> None:
        """A client, a call or a lock that hangs: the log holds records for us, and nothing moves."""
        still = 0  # looks are counted, not seconds: a process that was stopped wakes up to a late clock
        while not self.should_stop:
            await self.sleep(max(LOOK_S, self._stuck_after_s / LOOKS))
            still = 0 if await self._goes_on() else still + 1
            if still >= LOOKS:
                raise Stuck(f"records of ours stand and nothing moved in {still} looks")

    def _progress(self) -> tuple[int, int, int]:
        """Differs whenever records were received, handled or confirmed in between."""
        inputs = self._pump.inputs
        return inputs.received, self._pump.counts.handled, inputs.outstanding

    async def _goes_on(self) -> bool:
        """Whether something moved since we looked last, or has a reason not to."""
        seen, self._seen = self._seen, self._progress()
        if seen != self._seen or not self._pump.assigned or self._states.failing:
            return True
        try:
            untaken = await self._pump.consumer.behind()
        except LogAway:
            return True
        if self._progress() != self._seen or not self._pump.assigned:
            return True  # it moved while the log was asked, which may take the log long
        # What a load holds back waits for another partition, however long its loader takes.
        return not untaken and self._pump.inputs.outstanding == self._pump.inputs.held
