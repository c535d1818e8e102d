"""What a worker counts about itself, for its status."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from .scored import Scored


@dataclass(slots=True)
class Counts:
    """What the worker has done since its start; the reporter reads and the pump adds."""

    handled: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    actions: dict[str, int] = field(default_factory=dict)
    queue_ms: deque[int] = field(default_factory=lambda: deque(maxlen=10_000))

    def refuse(self, reason: str) -> None:
        """One more record refused for ``reason``."""
        self.refused[reason] = self.refused.get(reason, 0) + 1

    def scored(self, scored: Scored, records: int) -> None:
        """A batch went through."""
        self.handled += records
        for action, count in scored.actions.items():
            self.actions[action] = self.actions.get(action, 0) + count
        self.queue_ms.extend(scored.queue_ms)
