"""What the console holds of the topics, all of it bounded."""

from __future__ import annotations

from collections import Counter

from services.console.core.house import SILENT_MS, Statuses
from services.console.core.recent import Recent
from shared.contracts.operations import Alert


class Held:
    """``heard_at_ms``: when a record came last, None before the first; ``taken``: records so far."""

    def __init__(self, portfolio: str, kept_decisions: int) -> None:
        self.recent = Recent(kept_decisions)
        self.statuses = Statuses(portfolio)
        self.alerts: dict[tuple[str, str], Alert] = {}
        self.refused: Counter[str] = Counter()
        self.taken = 0
        self.heard_at_ms: int | None = None

    def is_log_away(self, now_ms: int) -> bool:
        """Whether nothing came for so long that Kafka must be away: this console alone speaks each second.

        Kafka's client is no witness. With its broker gone it gives no records and raises nothing.
        """
        return self.heard_at_ms is None or now_ms - self.heard_at_ms >= SILENT_MS

    def alerts_now(self) -> list[Alert]:
        """The last word on each rule and subject: firing ones first, then the newest."""
        return sorted(self.alerts.values(), key=lambda alert: (alert.state != "firing", -alert.at_ms))

    def alerts_firing(self) -> int:
        """How many fire now."""
        return sum(alert.state == "firing" for alert in self.alerts.values())
