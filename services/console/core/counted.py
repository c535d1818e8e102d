"""What the monitor counted, as the overview shows it: rates, shares, money and times per point of a range."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from shared.contracts.decisions import ACTIONS
from shared.evaluation.time_bins import quantile

MINUTE_MS: Final = 60_000
POINTS_MOST: Final = 240
RANGES: Final = {"30m": 30, "3h": 180, "24h": 1_440, "7d": 10_080}
"""Minutes by the word for a range."""


class CountedMinute(Struct, frozen=True, kw_only=True):
    """Decisions of one minute, action and currency."""

    minute_ms: int
    action: str
    currency: str
    count: int
    amount_minor: int


class TimedMinute(Struct, frozen=True, kw_only=True):
    """End-to-end times of one minute in one bin of `time_bins`, in ms."""

    minute_ms: int
    bin: int
    count: int


class Counted(Struct, frozen=True, kw_only=True):
    """What stands in the monitor's tables for a range, the end not included."""

    decisions: list[CountedMinute]
    times: list[TimedMinute]
    dead_letters: dict[str, int]
    counted_until_ms: int | None


class Money(Struct, frozen=True, kw_only=True):
    """A sum of one action in one currency, in minor units."""

    action: str
    currency: str
    count: int
    amount_minor: int


class History(Struct, frozen=True, kw_only=True):
    """A range as lists of equal length, one entry per ``step_ms``; None where nothing was decided."""

    from_ms: int
    to_ms: int
    step_ms: int
    at_ms: list[int]
    per_s: list[float]
    shares: dict[str, list[float | None]]
    p50_ms: list[float | None]
    p95_ms: list[float | None]
    p99_ms: list[float | None]
    decisions: int
    money: list[Money]
    dead_letters: dict[str, int]
    counted_until_ms: int | None


def span_of(word: str, now_ms: int) -> tuple[int, int, int]:
    """From, to (excluded) and step of the range ``word``: whole minutes that are over. Raises KeyError."""
    minutes = RANGES[word]
    step = math.ceil(minutes / POINTS_MOST) * MINUTE_MS
    to_ms = now_ms // MINUTE_MS * MINUTE_MS
    return to_ms - minutes * MINUTE_MS, to_ms, step


def history(counted: Counted, span: tuple[int, int, int]) -> History:
    """The range as the charts and the tiles show it."""
    from_ms, to_ms, step_ms = span
    points = list(range(from_ms, to_ms, step_ms))
    by_point: dict[int, dict[str, int]] = {point: defaultdict(int) for point in points}
    for row in counted.decisions:
        by_point[_point(row.minute_ms, from_ms, step_ms)][row.action] += row.count
    totals = [sum(by_point[point].values()) for point in points]
    bins = _bins(counted.times, points, from_ms, step_ms)
    return History(
        from_ms=from_ms,
        to_ms=to_ms,
        step_ms=step_ms,
        at_ms=points,
        per_s=[
            round(total * 1000 / (min(point + step_ms, to_ms) - point), 3)
            for point, total in zip(points, totals, strict=True)
        ],
        shares={action: _shares(action, by_point, points, totals) for action in ACTIONS},
        p50_ms=[quantile(each, 0.50) for each in bins],
        p95_ms=[quantile(each, 0.95) for each in bins],
        p99_ms=[quantile(each, 0.99) for each in bins],
        decisions=sum(totals),
        money=_money(counted.decisions),
        dead_letters=counted.dead_letters,
        counted_until_ms=counted.counted_until_ms,
    )


def _point(minute_ms: int, from_ms: int, step_ms: int) -> int:
    return from_ms + (minute_ms - from_ms) // step_ms * step_ms


def _shares(
    action: str, by_point: dict[int, dict[str, int]], points: Sequence[int], totals: Sequence[int]
) -> list[float | None]:
    return [
        by_point[point].get(action, 0) / total if total else None
        for point, total in zip(points, totals, strict=True)
    ]


def _bins(
    times: Iterable[TimedMinute], points: Sequence[int], from_ms: int, step_ms: int
) -> list[dict[int, int]]:
    found: dict[int, dict[int, int]] = {point: defaultdict(int) for point in points}
    for row in times:
        found[_point(row.minute_ms, from_ms, step_ms)][row.bin] += row.count
    return [found[point] for point in points]


def _money(rows: Iterable[CountedMinute]) -> list[Money]:
    counts: dict[tuple[str, str], int] = defaultdict(int)
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        counts[row.action, row.currency] += row.count
        sums[row.action, row.currency] += row.amount_minor
    return [
        Money(action=key[0], currency=key[1], count=counts[key], amount_minor=sums[key])
        for key in sorted(counts, key=_order)
    ]


def _order(key: tuple[str, str]) -> tuple[int, str]:
    words: tuple[str, ...] = ACTIONS
    return (words.index(key[0]) if key[0] in words else len(words), key[1])
