"""Plays the live world: each step's payments, activities and due labels go to the sink and are safe there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mode import Service

from services.simulator.core.live import LiveWorld, NumberedPayments
from services.simulator.core.records import Records
from services.simulator.core.scenarios import Scenario, is_sent, written
from shared.contracts.codec import encode
from shared.contracts.payments import Activity, Label
from shared.runtime.clock import Clock
from shared.runtime.health import Health

from .sink import Kind, Sent, Sink

BEHIND_MOST_MS = 2_000
"""A longer gap (a machine that slept, a sink that was away) stays without traffic."""


class Traffic(Service):
    """One step after the other; the next begins when the sink has taken the last."""

    def __init__(
        self, sink: Sink, live: LiveWorld, records: Records, clock: Clock, health: Health, step_ms: int
    ) -> None:
        super().__init__()
        self._sink = sink
        self._live = live
        self._records = records
        self._clock = clock
        self._health = health
        self._step_s = step_ms / 1000
        self._last_ms = clock.now_ms()
        self._counts: Counter[str] = Counter()
        self.sent = 0
        self.refused = 0
        self.skipped_ms = 0

    def numbers(self) -> dict[str, float]:
        """What the status shows beside the payments sent: records by kind, and what waits."""
        counts = {name: float(count) for name, count in sorted(self._counts.items())}
        return {
            **counts,
            "labels_waiting": float(self._live.waiting_labels),
            "skipped_ms": float(self.skipped_ms),
            "scenario_left_s": self._left_s(),
        }

    def scenario(self) -> str:
        """The scenario in force, in words; "" when life is as usual."""
        play = self._live.playing(self._last_ms)
        if play is None:
            return ""
        wanted = play.request
        what = {
            "attack": f"{wanted.pattern or 'every pattern'} x {wanted.factor:g}",
            "drift": f"amounts x {wanted.factor:g}",
            "burst": f"rate x {wanted.factor:g}",
        }.get(wanted.kind, wanted.caller)
        return f"{wanted.kind}: {what}"

    def _left_s(self) -> float:
        play = self._live.playing(self._last_ms)
        return 0.0 if play is None else (play.until_ms - self._last_ms) / 1000

    def disturb(self, scenario: Scenario | None) -> None:
        """Play a scenario from now on, instead of any other; None for none."""
        self._live.scenario = scenario

    @Service.task
    async def play(self) -> None:
        """Step until stopped. Raises SinkAway."""
        self._last_ms = self._clock.now_ms()
        while not self.should_stop:
            await self.step()
            self._health.beat("traffic")
            await self.sleep(self._step_s)

    async def step(self) -> None:
        """Send what is due by now. Raises SinkAway."""
        now_ms = self._clock.now_ms()
        if now_ms - self._last_ms > BEHIND_MOST_MS:
            self.skipped_ms += now_ms - self._last_ms
            self._live.skip(now_ms)
        self._last_ms = max(self._last_ms, now_ms)
        due = self._live.step(self._last_ms)
        activities = list(self._records.activities(due.activities))
        await self._send("activities", _as_sent(activities))
        self._counts.update(f"activity.{done.kind}" for done in activities)
        payments = self._payments(due.payments)
        await self._send("transactions", payments)
        self.sent += len(payments)
        await self._send("labels", _as_sent([self._records.label(label) for label in due.labels]))

    def _payments(self, due: NumberedPayments) -> list[Sent]:
        """What callers send of the payments that are due, under the scenario in force."""
        play, sent = self._live.playing(self._last_ms), []
        for number, tx in zip(due.number.tolist(), self._records.transactions(due), strict=True):
            if is_sent(play, tx.caller):
                sent.append(Sent(tx.account_id, written(play, tx, number)))
                self._counts[f"payment.{tx.channel}"] += 1
        return sent

    async def _send(self, kind: Kind, records: Sequence[Sent]) -> None:
        if records:
            self.refused += await self._sink.send(kind, records)
            self._counts[kind] += len(records)


def _as_sent(records: Sequence[Activity | Label]) -> list[Sent]:
    return [Sent(record.account_id, encode(record)) for record in records]
