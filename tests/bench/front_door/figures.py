"""Figures of runs: counts by outcome, latencies of what was answered, and how good our own sending was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct

from .offer import SECOND_NS, Run

GOOD: Final = ("200", "202")


class Row(Struct, frozen=True, kw_only=True):
    """One line of a table. Latencies are of answers 200 and 202, from the moment a request was due.

    ``per_s`` counts those answers per second of sending. ``late_ms``, ``starved`` and ``cpu_us`` are the
    generator's own: how late it wrote (99 in 100 not later), how many requests found no free connection, and
    its processor time for each request.
    """

    what: str
    offered_per_s: float
    seconds: float
    per_s: float
    outcomes: dict[str, int]
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    late_p99_ms: float
    late_max_ms: float
    starved: int
    unanswered: int
    cpu_us: float
    items_per_s: float | None = None


def row(what: str, runs: Sequence[Run]) -> Row:
    """The figures of one or more equal runs together."""
    seconds = sum(run.seconds for run in runs)
    outcomes: dict[str, int] = {}
    for run in runs:
        for name, samples in run.samples.items():
            outcomes[name] = outcomes.get(name, 0) + len(samples)
    latencies = [ns for run in runs for name in GOOD for _, ns in run.samples.get(name, ())]
    p50, p90, p99, most = _spread_ms(latencies)
    late = _spread_ms([ns for run in runs for ns in run.late_ns])
    items = sum(run.accepted_items for run in runs)
    return Row(
        what=what,
        offered_per_s=runs[0].offered_per_s,
        seconds=seconds,
        per_s=len(latencies) / seconds,
        outcomes=dict(sorted(outcomes.items())),
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        max_ms=most,
        late_p99_ms=late[2] or 0.0,
        late_max_ms=late[3] or 0.0,
        starved=sum(run.starved for run in runs),
        unanswered=sum(run.unanswered for run in runs),
        cpu_us=float(np.mean([run.cpu_us for run in runs])),
        items_per_s=items / seconds if items else None,
    )


def good_per_s(run: Run, from_s: float) -> float:
    """Good answers per second, to requests due from ``from_s`` after the start on."""
    due_s = np.array([due for name in GOOD for due, _ in run.samples.get(name, ())]) / SECOND_NS
    return float((due_s >= from_s).sum() / (run.seconds - from_s))


def table(rows: Sequence[Row]) -> str:
    """The rows for people."""
    head = f"{'':28}{'offered/s':>10}{'good/s':>9}{'p50':>8}{'p90':>8}{'p99':>8}{'max':>8} ms"
    return "\n".join([f"{head}   own: late p99, max ms, starved, us/request", *map(_line, rows)])


def to_json(rows: Sequence[Row], facts: dict[str, float]) -> bytes:
    """The rows and single figures for programs."""
    return msgspec.json.format(msgspec.json.encode({"rows": rows, "facts": facts}), indent=1)


def _line(told: Row) -> str:
    latencies = "".join(
        f"{'-' if ms is None else format(ms, '.2f'):>8}"
        for ms in (told.p50_ms, told.p90_ms, told.p99_ms, told.max_ms)
    )
    own = f"{told.late_p99_ms:.2f} {told.late_max_ms:.2f} {told.starved} {told.cpu_us:.0f}"
    counts = "  ".join(f"{name}: {count}" for name, count in told.outcomes.items())
    lost = f"  unanswered: {told.unanswered}" if told.unanswered else ""
    items = f"  {told.items_per_s:.0f} tx/s" if told.items_per_s else ""
    offered = f"{told.offered_per_s:.0f}" if told.offered_per_s else "at will"
    return f"{told.what:28}{offered:>10}{told.per_s:9.1f}{latencies}      [{own}]  {counts}{lost}{items}"


def _spread_ms(ns: Sequence[int]) -> tuple[float | None, float | None, float | None, float | None]:
    """p50, p90, p99 and the maximum, each one that was really measured; None of nothing."""
    if not ns:
        return None, None, None, None
    ordered = np.sort(np.array(ns)) / 1e6
    quantiles = np.quantile(ordered, [0.5, 0.9, 0.99], method="higher")
    return float(quantiles[0]), float(quantiles[1]), float(quantiles[2]), float(ordered[-1])
