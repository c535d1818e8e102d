"""The lake of a gateway, in memory."""

from __future__ import annotations

from typing import Any


class MemoryLake:
    """Decisions that the lake has, by tx_id."""

    def __init__(self) -> None:
        self.decisions: dict[str, dict[str, Any]] = {}

    def decision_by_tx(self, _: str, tx_id: str) -> dict[str, Any] | None:
        """As the port says."""
        return self.decisions.get(tx_id)
