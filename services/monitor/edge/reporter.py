"""The monitor's word about itself, once a second, on the topic ``status``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from mode import Service

from shared.bus.ports import LogAway, Outgoing, Place, Producer
from shared.contracts.alert_rules import RULES
from shared.contracts.codec import encode
from shared.contracts.operations import PartitionStatus, Status
from shared.runtime.clock import Clock
from shared.runtime.health import Health

from .alerts import AlertBook
from .champions import Champions
from .judge import Judge
from .pump import Pump
from .statuses import STATUS, Statuses

EVERY_S: Final = 1.0
DETAIL_LIMIT: Final = 200

State = Literal["starting", "ready", "degraded", "waiting"]


@dataclass(frozen=True, slots=True)
class ReporterParts:
    """What the reporter looks at and writes to."""

    pump: Pump
    judge: Judge
    statuses: Statuses
    champions: Champions
    producer: Producer
    health: Health
    clock: Clock
    rss_bytes: Callable[[], int]
    instance: str
    portfolio: str


class Reporter(Service):
    """Looks at the pump and tells health; changes nothing."""

    def __init__(self, parts: ReporterParts, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._parts = parts

    async def on_start(self) -> None:
        """Connect. Raises LogAway."""
        await self._parts.producer.start()

    @Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            status = self.status()
            self._parts.health.tell(status)
            self._tell_health(status)
            await self._send(status)
            await self.sleep(EVERY_S)

    async def _send(self, status: Status) -> None:
        key = f"{status.service}-{status.instance}".encode()
        try:
            await (await self._parts.producer.send(Place(STATUS, 0), [Outgoing(key, encode(status))]))
        except LogAway:
            self._parts.health.hold("status", "kafka_away")
        else:
            self._parts.health.clear("status")

    async def on_stop(self) -> None:
        """Disconnect."""
        await self._parts.producer.stop()

    def status(self) -> Status:
        """What the monitor is doing now."""
        parts, pump, book = self._parts, self._parts.pump, self._parts.judge.book
        state, detail = self._state()
        return Status(
            v=1,
            service="monitor",
            instance=parts.instance,
            at_ms=parts.clock.now_ms(),
            state=state,
            detail=detail[:DETAIL_LIMIT],
            portfolio=parts.portfolio,
            rss_bytes=parts.rss_bytes(),
            partitions=[self._partition(place) for place in pump.places],
            handled=pump.handled,
            refused=dict(pump.refused),
            numbers={
                "behind": float(pump.behind or 0),
                **_firing(book),
                "alerts_not_told": float(parts.judge.untold),
                "statuses_refused": float(parts.statuses.refused),
                "offsets_not_shown": float(pump.unshown),
                "lost": float(pump.lost),
            },
        )

    def _partition(self, place: Place) -> PartitionStatus:
        end = self._parts.pump.end(place)
        return PartitionStatus(
            topic=place.topic,
            partition=place.partition,
            committed=self._parts.pump.written.get(place, -1),
            end=-1 if end is None else end,
        )

    def _state(self) -> tuple[State, str]:
        pump = self._parts.pump
        if pump.waiting_for:
            return "waiting", f"the database takes nothing: {pump.waiting_for}"
        if not pump.places:
            return "starting", ""
        if pump.lost:
            return "degraded", f"Kafka had dropped {pump.lost} records before they were counted"
        return "ready", "; ".join(self._parts.champions.without.values())

    def _tell_health(self, status: Status) -> None:
        health = self._parts.health
        if status.state == "waiting":
            health.hold("database", status.detail)
        else:
            health.clear("database")
        if status.state in ("ready", "degraded"):
            health.started()


def _firing(book: AlertBook | None) -> dict[str, float]:
    """For how many subjects each rule fires; nothing before the kept states are read."""
    if book is None:
        return {}
    return {f"firing.{rule.name}": float(len(book.firing(rule.name))) for rule in RULES}
