"""The archiver's word about itself, once a second, on the topic ``status``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from shared.bus.ports import Producer
from shared.bus.status_reports import DETAIL_LIMIT, StatusReports
from shared.contracts.operations import PartitionStatus, Status
from shared.runtime.clock import Clock
from shared.runtime.health import Health

from .keeper import Keeper
from .pump import Pump

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


class Reporter(StatusReports):
    """Looks at pump and keeper; changes nothing."""

    def __init__(self, parts: ReporterParts, **kwargs: Any) -> None:
        super().__init__(parts.producer, **kwargs)
        self._parts = parts

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

    def tell_health(self, status: Status) -> None:
        """The lake holds us up while we wait for it; the start is over once we read."""
        health = self._parts.health
        health.tell(status)
        if status.state == "waiting":
            health.hold("lake", status.detail)
        else:
            health.clear("lake")
        if status.state in ("ready", "degraded"):
            health.started()

    def tell_sent(self, was_sent: bool) -> None:
        """Not ready while Kafka takes no word of ours."""
        if was_sent:
            self._parts.health.clear("status")
        else:
            self._parts.health.hold("status", "kafka_away")
