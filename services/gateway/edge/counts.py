"""What the gateway counted since its start, and the latencies of its last second."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np

DECISIONS: Final = "/v1/decisions"
KEPT_SAMPLES: Final = 10_000


class Counts:
    """Answers by status class, refusals by code, items taken, latencies of decisions."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.actions: Counter[str] = Counter()
        self.items: Counter[str] = Counter()
        self._decided_s: list[float] = []

    def answered(self, path: str, status: int, took_s: float) -> None:
        """A request was answered."""
        self.answers[f"status_{status}"] += 1
        if path == DECISIONS and status in (200, 202) and len(self._decided_s) < KEPT_SAMPLES:
            self._decided_s.append(took_s)

    def refused(self, code: str, count: int = 1) -> None:
        """Requests or items were refused."""
        self.refusals[code] += count

    def latencies_ms(self) -> dict[str, float]:
        """p50, p99 and max of decisions since the last call; empty where there were none."""
        taken, self._decided_s = self._decided_s, []
        if not taken:
            return {}
        p50, p99, most = np.quantile(taken, (0.5, 0.99, 1.0)) * 1000
        return {"p50": round(float(p50), 3), "p99": round(float(p99), 3), "max": round(float(most), 3)}
