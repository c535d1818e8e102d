"""The archiver's word about itself, once a second, on the topic ``status``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from mode import Service

from shared.bus.ports import LogAway, Outgoing, Place, Producer
from shared.contracts.codec import encode
from shared.contracts.operations import PartitionStatus, Status
from shared.runtime.clock import Clock
from shared.runtime.health import Health

from .keeper import Keeper
from .pump import Pump

EVERY_S: Final = 1.0
DETAIL_LIMIT: Final = 200

State = Literal["starting", "ready", "degraded", "waiting", "stopping"]


@dataclass(frozen=True, slots=True)
class ReporterParts:
    """What the reporter looks at and writes to."""

    pump: Pump
    keeper: Keeper
    producer: Producer
    health: Health
    clock: Clock
    rss_bytes: Callable[[], int]
    instance: str
    portfolio: str


class Reporter(Service):
    """Looks at pump and keeper; changes nothing."""

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
            self._tell_health(status.state, status.detail)
            try:
                record = Outgoing(self._parts.instance.encode(), encode(status))
                await (await self._parts.producer.send(Place("status", 0), [record]))
            except LogAway:
                self._parts.health.hold("status", "kafka_away")
            else:
                self._parts.health.clear("status")
            await self.sleep(EVERY_S)

    async def on_stop(self) -> None:
        """Disconnect."""
        await self._parts.producer.stop()

    def status(self) -> Status:
        """What the archiver is doing now."""
        parts, pump = self._parts, self._parts.pump
        writer = pump.writer
        state, detail = self._state()
        partitions = [
            PartitionStatus(
                topic=place.topic,
                partition=place.partition,
                committed=pump.written.get(place, -1),
                end=-1 if (end := pump.end(place)) is None else end,
            )
            for place in pump.places
        ]
        rows = dict(writer.rows) if writer else {}
        return Status(
            v=1,
            service="archiver",
            instance=parts.instance,
            at_ms=parts.clock.now_ms(),
            state=state,
            detail=detail[:DETAIL_LIMIT],
            portfolio=parts.portfolio,
            rss_bytes=parts.rss_bytes(),
            partitions=partitions,
            handled=sum(rows.values()),
            refused=dict(writer.refused) if writer else {},
            numbers=self._numbers(rows),
        )

    def _state(self) -> tuple[State, str]:
        pump = self._parts.pump
        if pump.waiting_for:
            return "waiting", f"the lake takes nothing: {pump.waiting_for}"
        if not pump.places:
            return "starting", ""
        if pump.lost:
            return "degraded", f"Kafka had dropped {pump.lost} records before they were archived"
        return "ready", ""

    def _numbers(self, rows: dict[str, int]) -> dict[str, float]:
        pump, keeper = self._parts.pump, self._parts.keeper
        return {
            **{f"rows.{table}": float(count) for table, count in rows.items()},
            "files_merged": float(keeper.merged),
            "compactions_failed": float(keeper.failed),
            "offsets_not_shown": float(pump.unshown),
            "lost": float(pump.lost),
        }

    def _tell_health(self, state: State, detail: str) -> None:
        health = self._parts.health
        if state == "waiting":
            health.hold("lake", detail)
        else:
            health.clear("lake")
        if state in ("ready", "degraded"):
            health.started()
