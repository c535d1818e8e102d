"""The meaning of every timeline feature, as plainly as it can be said: lists, loops and Python's integers.

Slow on purpose and written apart from the kernels, which must agree with it to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt

from shared.features.kinds import codes
from shared.features.program import Program


@dataclass(frozen=True)
class Record:
    """A record of a timeline. A label has its known_at in ``amount`` and its payment's id in ``ref``."""

    time: int
    amount: int
    id: int
    kind: int = 1
    ref: int = 0
    verdict: int = 0
    body: int = 0
    extra: tuple[int, ...] = ()


@dataclass(frozen=True)
class Feature:
    """One feature of a program."""

    kind: int
    entity: int
    stream: int
    window: int
    offset: int
    has_self: bool
    column: int
    left: int
    right: int
    p0: float
    p1: float


def features_of(program: Program) -> list[Feature]:
    """The program's columns as features."""
    columns = [array.tolist() for array in program]
    return [
        Feature(k, e, s, w, o, bool(own), c, left, right, p0, p1)
        for k, e, s, w, o, own, c, left, right, p0, p1 in zip(*columns, strict=True)
    ]


def first_index(log: Sequence[Record], record_id: int) -> int:
    """Where the id stands first, -1 if nowhere."""
    return next((index for index, record in enumerate(log) if record.id == record_id), -1)


def known(log: Sequence[Record], version: int) -> list[Record]:
    """The first copies up to ``version``, in fold order: by event time, then index."""
    first = [r for index, r in enumerate(log[: version + 1]) if first_index(log, r.id) == index]
    return sorted(first, key=lambda record: record.time)


def vector(
    program: Program, logs: Sequence[Sequence[Record] | None], versions: Sequence[int], row: Record
) -> list[float]:
    """The features of the payment ``row`` given its entities' logs up to ``versions``; others NaN."""
    values: list[float] = []
    for feature in features_of(program):
        if feature.kind in codes.ARITHMETIC:
            values.append(_combine(feature, values[feature.left], values[feature.right]))
        elif feature.kind < codes.FIRST_TIMELINE or logs[feature.entity] is None:
            values.append(nan)
        else:
            log = logs[feature.entity]
            assert log is not None
            values.append(_value(feature, known(log, versions[feature.entity]), row, log))
    return values


def _combine(feature: Feature, left: float, right: float) -> float:
    if feature.kind == codes.DIFFERENCE:
        return left - right
    if feature.kind == codes.TOTAL:
        return left + right
    return left / right if right != 0 else nan


def _window(feature: Feature, records: Sequence[Record], row: Record, kind: int) -> list[Record]:
    low, high = row.time - feature.offset - feature.window, row.time - feature.offset
    found = [r for r in records if r.kind == kind and low < r.time <= high]
    if kind == 1 and feature.offset == 0 and not feature.has_self:
        found = [r for r in found if r.id != row.id]
    return found


_OF_COLUMNS = (codes.DISTINCT, codes.FIRST_PAIR, codes.PAIR_COUNT, codes.PAIR_AGE, codes.PAIR_GAP)


def _value(feature: Feature, records: Sequence[Record], row: Record, log: Sequence[Record]) -> float:
    if feature.kind in (codes.DELAYED_COUNT, codes.DELAYED_FRAUDS, codes.DELAYED_RISK):
        return _delayed(feature, records, row, log)
    kind = 1 if feature.stream == 0 else feature.stream + 1
    window = _window(feature, records, row, kind)
    if feature.kind in _OF_COLUMNS:
        return _column(feature, window, row)
    return _amounts(feature, window, row)


def _amounts(feature: Feature, window: Sequence[Record], row: Record) -> float:
    n, total = len(window), sum(r.amount for r in window)
    squares = sum(r.amount * r.amount for r in window)
    if feature.kind in (codes.COUNT, codes.ACTIVITY_COUNT):
        return float(n)
    if feature.kind == codes.SUM:
        return float(total)
    if n == 0:
        return nan
    mean = float(total) / float(n)
    if feature.kind == codes.MEAN:
        return mean
    if feature.kind == codes.MAX:
        return float(max(r.amount for r in window))
    if feature.kind == codes.MIN:
        return float(min(r.amount for r in window))
    if feature.kind == codes.GAP:
        return float(row.time - window[-1].time) / 1000.0
    if feature.kind in (codes.RATIO, codes.MAX_RATIO):
        usual = mean if feature.kind == codes.RATIO else float(max(r.amount for r in window))
        divisor = usual + feature.p0
        return float(row.amount) / divisor if divisor != 0 else nan
    if n < 2:
        return nan
    freedom = 1.0 if feature.kind == codes.STD else feature.p0
    if n <= freedom:
        return nan
    deviation = sqrt(float(n * squares - total * total) / (float(n) * (float(n) - freedom)))
    if feature.kind == codes.STD:
        return deviation
    assert feature.kind == codes.Z
    divisor = deviation + feature.p1
    return (float(row.amount) - mean) / divisor if divisor != 0 else nan


def _column(feature: Feature, window: Sequence[Record], row: Record) -> float:
    values = [r.extra[feature.column] for r in window]
    if feature.kind == codes.DISTINCT:
        return float(len(set(values) - {0}))
    own = row.extra[feature.column]
    if own == 0:
        return nan
    if feature.kind == codes.FIRST_PAIR:
        return 0.0 if own in values else 1.0
    if feature.kind == codes.PAIR_COUNT:
        return float(values.count(own))
    times = [r.time for r in window if r.extra[feature.column] == own]
    if not times:
        return nan
    return float(row.time - (min(times) if feature.kind == codes.PAIR_AGE else max(times))) / 1000.0


def _delayed(feature: Feature, records: Sequence[Record], row: Record, log: Sequence[Record]) -> float:
    payments = _window(feature, records, row, 1)
    frauds = sum(_is_fraud(payment, records, row.time, log) for payment in payments)
    if feature.kind == codes.DELAYED_COUNT:
        return float(len(payments))
    if feature.kind == codes.DELAYED_FRAUDS:
        return float(frauds)
    divisor = float(len(payments)) + feature.p1
    return (float(frauds) + feature.p0) / divisor if divisor != 0 else 0.0


def _is_fraud(payment: Record, records: Sequence[Record], now: int, log: Sequence[Record]) -> bool:
    labels = [r for r in records if r.kind == 2 and r.ref == payment.id and r.amount <= now]
    if not labels:
        return False
    return max(labels, key=lambda label: (label.amount, first_index(log, label.id))).verdict == 1
