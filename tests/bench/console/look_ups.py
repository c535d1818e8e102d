"""How long a decision that only the lake still has takes to be found by its payment's id."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from tests.bench.numbers.shown import Screens


class LookUps(Struct, frozen=True, kw_only=True):
    """Times of ``count`` look-ups one after the other, in ms; the first also loads what reads the lake."""

    count: int
    first_ms: float
    p50_ms: float
    p99_ms: float
    max_ms: float


def look_ups(screens: Screens, tx_ids: Sequence[str]) -> LookUps:
    """Ask for each of ``tx_ids``. Raises SystemExit where one is told from memory or not whole."""
    times_ms = []
    for tx_id in tx_ids:
        started = time.perf_counter()
        found = screens.ask(f"/decisions/{tx_id}")
        times_ms.append((time.perf_counter() - started) * 1000)
        whole = found["source"] == "lake" and found["input"] and found["features"]
        if not whole or found["decision"]["tx_id"] != tx_id:
            raise SystemExit(f"{tx_id}: not the whole story from the lake")
    after = np.array(times_ms[1:])
    p50, p99 = np.quantile(after, [0.5, 0.99], method="higher")
    return LookUps(
        count=len(after),
        first_ms=times_ms[0],
        p50_ms=float(p50),
        p99_ms=float(p99),
        max_ms=float(after.max()),
    )
