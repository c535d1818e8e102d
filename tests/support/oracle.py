"""The meaning of every timeline feature, as plainly as it can be said: lists, loops and Python's integers.

Slow on purpose and written apart from the kernels, which must agree with it to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import nan, sqrt

from shared.features.kernels_place import kilometres_between
from shared.features.kinds import KINDS, NAMES
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
class Standing(Record):
    """A record that is not forgotten, and its index. ``payment``: the index of the payment a label is at."""

    index: int = 0
    payment: int = -1


@dataclass(frozen=True)
class Feature:
    """One feature of a program."""

    kind: str
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
    span: int
    grain: int


def features_of(program: Program) -> list[Feature]:
    """The program's columns as features."""
    columns = [array.tolist() for array in program]
    return [
        Feature(NAMES[k], e, s, w, o, bool(own), c, left, right, p0, p1, span, grain)
        for k, e, s, w, o, own, c, left, right, p0, p1, span, grain in zip(*columns, strict=True)
    ]


def reach_of(features: Sequence[Feature], entity: int) -> int:
    """How far behind a payment the entity's features read."""
    read = [f for f in features if KINDS[f.kind].entity and f.entity == entity]
    return max(
        (f.offset + f.window + f.grain + (f.span if f.kind == "high_count" else 0) for f in read),
        default=0,
    )


def floors(log: Sequence[Record], keep: int) -> list[int]:
    """For each index the time at and below which everything is forgotten, once the record there has come."""
    found, newest, last = [], -(2**62), Record(time=-(2**62), amount=0, id=0)
    for record in log:
        if record.kind == 1 and record.id != last.id:
            newest, last = max(newest, min(record.time, last.time)), record
        found.append(newest - keep)
    return found


def standing(log: Sequence[Record], keep: int) -> tuple[list[Standing], list[int]]:
    """Every record that was taken, forgotten ones too, and for each index that of its first copy."""
    taken: list[Standing] = []
    first: dict[int, Standing] = {}
    versions = []
    for index, (record, floor) in enumerate(zip(log, floors(log, keep), strict=True)):
        earlier = first.get(record.id)
        if earlier is not None and _time_of(earlier, taken) > floor:
            versions.append(earlier.index)
            continue
        versions.append(index)
        came = Standing(**vars(record), index=index)
        if record.kind == 2:
            payment = first.get(record.ref)
            if payment is not None and payment.kind == 1 and payment.time > floor:
                came = replace(came, payment=payment.index)
        if came.payment < 0 and record.time <= floor:
            first.pop(record.id, None)
            continue
        first[record.id] = came
        taken.append(came)
        if record.kind == 1:
            for k, r in enumerate(taken):
                if r.kind == 2 and r.ref == record.id and r.payment < 0 and r.time > floor:
                    taken[k] = first[r.id] = replace(r, payment=index)
    return taken, versions


def _time_of(record: Standing, taken: Sequence[Standing]) -> int:
    """A label has the time of its payment; while it waits for that, the time that it names."""
    return next((r.time for r in taken if r.kind == 1 and r.index == record.payment), record.time)


def known(log: Sequence[Record], version: int, seen: int, keep: int) -> list[Standing]:
    """First copies up to ``version`` as a log of ``seen`` records knows them, by event time and index."""
    taken, _ = standing(log[:seen], keep)
    floor = floors(log[:seen], keep)[-1] if seen else -(2**62)
    there = [r for r in taken if r.index <= version and (r.kind == 2 or r.time > floor)]
    payments = {r.index for r in there if r.kind == 1}
    return sorted((r for r in there if r.kind != 2 or r.payment in payments), key=lambda r: r.time)


def vector(
    program: Program,
    logs: Sequence[Sequence[Record] | None],
    versions: Sequence[int],
    rows: Sequence[Record],
    lateness: int,
    seen: Sequence[int],
    is_out: Sequence[bool] = (),
) -> list[float]:
    """The features of a payment, ``rows`` being what each of its entities' logs has of it.

    The logs are known up to ``versions`` when they had ``seen`` records; features of others are NaN. Where
    ``is_out`` the payment is no part of what it sees.
    """
    features = features_of(program)
    there: list[list[Standing] | None] = []
    for entity, log in enumerate(logs):
        keep = reach_of(features, entity) + lateness
        found = None if log is None else known(log, versions[entity], seen[entity], keep)
        if found and is_out and is_out[entity]:
            found = [r for r in found if r.id != rows[entity].id]
        there.append(found)
    values: list[float] = []
    for feature in features:
        records = there[feature.entity] if KINDS[feature.kind].entity else None
        if KINDS[feature.kind].operands:
            values.append(_combine(feature, values[feature.left], values[feature.right]))
        elif records is None:
            values.append(nan)
        else:
            values.append(_value(feature, records, rows[feature.entity]))
    return values


def _combine(feature: Feature, left: float, right: float) -> float:
    if feature.kind == "difference":
        return left - right
    if feature.kind == "total":
        return left + right
    return left / right if right != 0 else nan


def _window(feature: Feature, records: Sequence[Record], row: Record, kind: int) -> list[Record]:
    low, high = row.time - feature.offset - feature.window, row.time - feature.offset
    found = [r for r in records if r.kind == kind and low < r.time <= high]
    if feature.grain:
        hours = [(r, r.time // feature.grain) for r in records if r.kind == kind and r.time <= row.time]
        from_hour, to_hour = low // feature.grain, high // feature.grain
        found = [r for r, hour in hours if from_hour <= hour and (feature.offset == 0 or hour < to_hour)]
    if kind == 1 and feature.offset == 0 and not feature.has_self:
        found = [r for r in found if r.id != row.id]
    return found


def _value(feature: Feature, records: Sequence[Standing], row: Record) -> float:
    if KINDS[feature.kind].delayed:
        return _delayed(feature, records, row)
    kind = 1 if feature.stream == 0 else feature.stream + 1
    window = _window(feature, records, row, kind)
    if KINDS[feature.kind].column:
        return _column(feature, window, row)
    if feature.kind == "high_count":
        return _high_count(feature, window, [r for r in records if r.kind == 1])
    if feature.kind in ("clean_ratio", "clean_z"):
        return _clean(feature, window, records, row)
    return _amounts(feature, window, row)


def _amounts(feature: Feature, window: Sequence[Record], row: Record) -> float:
    n, total = len(window), sum(r.amount for r in window)
    squares = sum(r.amount * r.amount for r in window)
    if feature.kind in ("count", "activity_count"):
        return float(n)
    if feature.kind == "sum":
        return float(total)
    if n == 0:
        return nan
    mean = float(total) / float(n)
    if feature.kind == "mean":
        return mean
    if feature.kind == "max":
        return float(max(r.amount for r in window))
    if feature.kind == "min":
        return float(min(r.amount for r in window))
    if feature.kind == "gap":
        return float(row.time - window[-1].time) / 1000.0
    if feature.kind in ("ratio", "max_ratio"):
        usual = mean if feature.kind == "ratio" else float(max(r.amount for r in window))
        divisor = usual + feature.p0
        return float(row.amount) / divisor if divisor != 0 else nan
    if n < 2:
        return nan
    freedom = 1.0 if feature.kind == "std" else feature.p0
    if n <= freedom:
        return nan
    deviation = sqrt(float(n * squares - total * total) / (float(n) * (float(n) - freedom)))
    if feature.kind == "std":
        return deviation
    assert feature.kind == "z"
    divisor = deviation + feature.p1
    return (float(row.amount) - mean) / divisor if divisor != 0 else nan


def _high_count(feature: Feature, window: Sequence[Record], payments: Sequence[Record]) -> float:
    found = 0
    for large in window:
        earlier = payments[: payments.index(large)]
        usual = [r.amount for r in earlier if large.time - feature.span < r.time <= large.time]
        if usual and len(usual) >= feature.p1:
            is_high = float(large.amount) * float(len(usual)) > feature.p0 * float(sum(usual))
            found += 1 if is_high else 0
    return float(found)


def _clean(feature: Feature, window: Sequence[Record], records: Sequence[Standing], row: Record) -> float:
    def is_out(r: Record) -> bool:
        return r.time <= row.time - feature.span and _is_fraud(r, records, row.time)

    amounts = [r.amount for r in window if not is_out(r)]
    n, total, squares = len(amounts), sum(amounts), sum(a * a for a in amounts)
    if n < 2:
        return nan
    mean = float(total) / float(n)
    if feature.kind == "clean_ratio":
        divisor = mean + feature.p0
        return float(row.amount) / divisor if divisor != 0 else nan
    if n <= feature.p0:
        return nan
    deviation = sqrt(float(n * squares - total * total) / (float(n) * (float(n) - feature.p0)))
    divisor = deviation + feature.p1
    return (float(row.amount) - mean) / divisor if divisor != 0 else nan


_OF_PAIRS = {"pair_sum": "sum", "pair_mean": "mean", "pair_ratio": "ratio", "pair_z": "z"}


def _column(feature: Feature, window: Sequence[Record], row: Record) -> float:
    if feature.kind in ("moved", "speed"):
        return _moving(feature, window, row)
    values = [r.extra[feature.column] for r in window]
    if feature.kind == "distinct":
        return float(len(set(values) - {0}))
    own = row.extra[feature.column]
    if own == 0:
        return nan
    if feature.kind in _OF_PAIRS:
        of_pair = [r for r in window if r.extra[feature.column] == own]
        return _amounts(replace(feature, kind=_OF_PAIRS[feature.kind]), of_pair, row)
    if feature.kind == "first_pair":
        return 0.0 if own in values else 1.0
    if feature.kind == "pair_count":
        return float(values.count(own))
    times = [r.time for r in window if r.extra[feature.column] == own]
    if not times:
        return nan
    return float(row.time - (min(times) if feature.kind == "pair_age" else max(times))) / 1000.0


def _moving(feature: Feature, window: Sequence[Record], row: Record) -> float:
    """The kilometres themselves are held against numpy in tests/unit/features/test_places.py."""
    own = row.extra[feature.column]
    placed = [r for r in window if r.extra[feature.column] != 0]
    if own == 0 or not placed:
        return nan
    found = kilometres_between(placed[-1].extra[feature.column], own)
    if feature.kind == "moved":
        return found
    return found / (float(max(row.time - placed[-1].time, 1_000)) / 3_600_000.0)


def _delayed(feature: Feature, records: Sequence[Standing], row: Record) -> float:
    payments = _window(feature, records, row, 1)
    is_fraud = [_is_fraud(payment, records, row.time) for payment in payments]
    if feature.kind == "delayed_count":
        return float(len(payments))
    if feature.kind == "delayed_frauds":
        return float(sum(is_fraud))
    if feature.kind == "delayed_risk":
        divisor = float(len(payments)) + feature.p1
        return (float(sum(is_fraud)) + feature.p0) / divisor if divisor != 0 else 0.0
    run = next((k for k, fraud in enumerate(reversed(is_fraud)) if not fraud), len(payments))
    if feature.kind == "fraud_run":
        return float(run)
    if feature.kind == "fraud_run_age":
        return _seconds(row, payments[-run:]) if run else nan
    wanted = feature.kind == "since_fraud"
    assert wanted or feature.kind == "since_genuine"
    return _seconds(row, [p for p, fraud in zip(payments, is_fraud, strict=True) if fraud == wanted][-1:])


def _seconds(row: Record, since: Sequence[Record]) -> float:
    """Seconds since the first of some records, NaN of none."""
    return float(row.time - since[0].time) / 1000.0 if since else nan


def _is_fraud(payment: Record, records: Sequence[Standing], now: int) -> bool:
    labels = [r for r in records if r.kind == 2 and r.ref == payment.id and r.amount <= now]
    if not labels:
        return False
    return max(labels, key=lambda label: (label.amount, label.index)).verdict == 1
