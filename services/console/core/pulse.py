"""The live numbers of one second, made once for everybody who looks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from .house import Statuses
from .recent import LATENCY_WINDOW_MS, Recent, TailFilter
from .views import Pulse, tail_row

ROWS: Final = 12


def make_pulse(
    seq: int,
    now_ms: int,
    recent: Recent,
    statuses: Statuses,
    *,
    heard_at_ms: int | None,
    is_log_away: bool,
    alerts_firing: int,
    cases_open: int,
) -> Pulse:
    """The house as it is at ``now_ms``; ``heard_at_ms`` is when a record came last."""
    times = sorted(recent.times_ms(now_ms))
    return Pulse(
        seq=seq,
        at_ms=now_ms,
        heard_at_ms=heard_at_ms,
        per_s=round(len(times) * 1_000 / LATENCY_WINDOW_MS, 1),
        p50_ms=_ranked(times, 0.50),
        p95_ms=_ranked(times, 0.95),
        p99_ms=_ranked(times, 0.99),
        max_ms=_ranked(times, 1.0),
        lag=statuses.lag(now_ms),
        release_seq=statuses.release_seq(),
        services=statuses.services(now_ms),
        troubles=statuses.troubles(now_ms, is_log_away=is_log_away),
        alerts_firing=alerts_firing,
        cases_open=cases_open,
        rows=[tail_row(decision) for decision in recent.newest(TailFilter(), ROWS)],
    )


def _ranked(times: Sequence[int], share: float) -> float | None:
    """The time of rank ``ceil(share * n)`` of sorted times; None without one."""
    return float(times[math.ceil(share * len(times)) - 1]) if times else None
