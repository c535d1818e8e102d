"""The archiver's word about itself, once a second, on the topic ``status``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from shared.bus.ports import Producer
from shared.bus.status_reports import DETAIL_LIMIT, StatusReports, assigned
from shared.contracts.operations import Status
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
        super().__init__(parts.producer, parts.health, "lake", **kwargs)
        self._parts = parts

    def status(self) -> Status:
        """What the archiver is doing now."""
        parts, pump = self._parts, self._parts.pump
        writer = pump.writer
        state, detail = self._state()
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
            partitions=assigned(pump.places, pump.written, pump.end),
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
