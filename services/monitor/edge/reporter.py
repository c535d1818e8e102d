"""The monitor's word about itself, once a second, on the topic ``status``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from shared.bus.ports import Producer
from shared.bus.status_reports import DETAIL_LIMIT, StatusReports, assigned
from shared.contracts.alert_rules import RULES
from shared.contracts.operations import Status
from shared.runtime.clock import Clock
from shared.runtime.health import Health

from .alerts import AlertBook
from .champions import Champions
from .judge import Judge
from .pump import Pump
from .statuses import Statuses

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


class Reporter(StatusReports):
    """Looks at the pump and tells health; changes nothing."""

    def __init__(self, parts: ReporterParts, **kwargs: Any) -> None:
        super().__init__(parts.producer, parts.health, "database", **kwargs)
        self._parts = parts

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
            partitions=assigned(pump.places, pump.written, pump.end),
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

    def _state(self) -> tuple[State, str]:
        pump = self._parts.pump
        if pump.waiting_for:
            return "waiting", f"the database takes nothing: {pump.waiting_for}"
        if not pump.places:
            return "starting", ""
        if pump.lost:
            return "degraded", f"Kafka had dropped {pump.lost} records before they were counted"
        return "ready", "; ".join(self._parts.champions.without.values())


def _firing(book: AlertBook | None) -> dict[str, float]:
    """For how many subjects each rule fires; nothing before the kept states are read."""
    if book is None:
        return {}
    return {f"firing.{rule.name}": float(len(book.firing(rule.name))) for rule in RULES}
