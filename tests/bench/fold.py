"""Microseconds of the fold per payment, of portfolios and kind by kind: ``python -m tests.bench.fold``.

A seeded stream of 100 days is folded in one process, labels seven days late; only its last part is timed,
when windows are full. A kind's cost is what its features add to one count per entity, over their number; that
count is the fixed reference, and all take turns with it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from shared.features.compiled import FeatureSet, compile_portfolio
from shared.features.layout import KIND_LABEL, KIND_TRANSACTION, VERDICT_FRAUD
from shared.features.portfolio import Portfolio, parse_portfolio
from shared.features.spec import FeatureSpec
from shared.features.timelines import Timelines, warm_up

PORTFOLIOS: Final = Path(__file__).parents[2] / "infra" / "portfolios"
START_MS: Final = 1_760_000_000_000
DAY_MS: Final = 86_400_000
DAYS: Final = 100
PER_DAY: Final = 4_000
BATCH: Final = 256
TURN_ROWS: Final = 20 * BATCH
TIMED_TURNS: Final = 20
BUDGET_BYTES: Final = 1 << 29
SHIPPED: Final = ("handbook15", "handbook", "bank")
BESIDE: Final = ("handbook15", "handbook")
"""Of one data set: the published inputs, and those that a stream can keep besides."""

OF: Final = {
    "account_id": 2_000,
    "terminal_id": 4_000,
    "merchant_id": 400,
    "device_id": 2_500,
    "payee_id": 1_000,
    "country": 20,
    "category": 12,
}
"""How many of each there are."""

Words = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Stream:
    """n records in the order in which they come; ``number`` is the payment's, also of its label."""

    time_ms: NDArray[np.int64]
    known_ms: NDArray[np.int64]
    is_label: NDArray[np.bool_]
    number: NDArray[np.int64]
    amount_minor: NDArray[np.int64]
    owner: dict[str, NDArray[np.int64]]


def make_stream(seed: int = 7) -> Stream:
    """Payments of accounts at terminals; three terminals of twenty have a month of frauds."""
    draw = np.random.default_rng(seed)
    n = DAYS * PER_DAY
    time_ms = np.sort(draw.integers(0, DAYS * DAY_MS, n)) + START_MS
    owner = {field: draw.integers(0, count, n) for field, count in OF.items()}
    amount = np.maximum(np.round(draw.gamma(2, 2_500, n)), 1).astype(np.int64)
    month = (time_ms - START_MS) // (30 * DAY_MS)
    fraud = (owner["terminal_id"] % 20 == month) & (draw.random(n) < 0.5)
    amount[fraud & (owner["account_id"] % 3 == 0)] *= 5
    at = np.flatnonzero(fraud)
    number = np.concatenate([np.arange(n), at])
    known = np.concatenate([time_ms, time_ms[at] + 7 * DAY_MS])
    order = np.lexsort((number, known))
    number = number[order]
    return Stream(
        time_ms=time_ms[number],
        known_ms=known[order],
        is_label=(np.arange(n + len(at)) >= n)[order],
        number=number,
        amount_minor=amount[number],
        owner={field: values[number] for field, values in owner.items()},
    )


def rows_of(stream: Stream, features: FeatureSet) -> NDArray[Any]:
    """The stream's rows of the layout; ids and columns are mixed numbers in place of hashes."""
    rows = np.zeros(len(stream.number), features.layout.dtype)
    label = stream.is_label
    rows["t"] = stream.time_ms
    rows["a"] = np.where(label, stream.known_ms, stream.amount_minor)
    rows["id"] = _mixed(stream.number * 2 + label)
    rows["ref"] = np.where(label, _mixed(stream.number * 2), np.uint64(0))
    rows["kind"] = np.where(label, KIND_LABEL, KIND_TRANSACTION)
    rows["verdict"] = np.where(label, VERDICT_FRAUD, 0)
    for place, (_, field) in enumerate(features.layout.columns):
        rows[f"x{place}"] = _mixed(stream.owner[field]) * ~label
    return rows


def _mixed(values: NDArray[np.int64]) -> Words:
    mixed: Words = (values.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    return mixed ^ (mixed >> np.uint64(29))


@dataclass(slots=True)
class Folded:
    """One feature set over the stream as a worker folds it, and what it has taken so far."""

    features: FeatureSet
    rows: NDArray[Any]
    ids: list[tuple[str, ...]]
    timelines: Timelines
    lengths: dict[bytes, int]

    @classmethod
    def of(cls, stream: Stream, features: FeatureSet) -> Folded:
        """Nothing folded yet."""
        columns = [stream.owner[entity.key].astype(str).tolist() for entity in features.entities]
        ids = list(zip(*columns, strict=True))
        return cls(features, rows_of(stream, features), ids, Timelines(features, BUDGET_BYTES), {})

    def take(self, begin: int) -> int:
        """Fold the batch that begins there: nanoseconds of `Timelines.fold`."""
        part, lengths = self.rows[begin : begin + BATCH], self.lengths
        claim = self.timelines.claim(self.ids[begin : begin + BATCH])
        starts = [lengths.get(key, 0) for key in claim.keys]
        for key, first, added in zip(claim.keys, starts, claim.counts.tolist(), strict=True):
            lengths[key] = first + added
        matrix = np.full((len(part), len(self.features.names)), np.nan)
        began = time.perf_counter_ns()
        self.timelines.fold(claim, part, starts, b"", matrix)
        return time.perf_counter_ns() - began


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds a payment, and how many times those of the first set: medians over the turns."""

    us: float
    times: float


def costs(stream: Stream, sets: Sequence[FeatureSet]) -> list[Cost]:
    """Of each set, over the last batches. They take turns, so a machine that changes its speed does so for
    all."""
    folded = [Folded.of(stream, features) for features in sets]
    last = int(np.flatnonzero(~stream.is_label)[-1])  # labels alone follow
    taken = []
    for first in range(0, last - TURN_ROWS, TURN_ROWS):
        turn, rows = range(first, first + TURN_ROWS, BATCH), slice(first, first + TURN_ROWS)
        payments = int((~stream.is_label[rows]).sum())
        taken.append([sum(map(one.take, turn)) / payments / 1000 for one in folded])
    timed = np.array(taken[-TIMED_TURNS:])
    us, times = np.median(timed, axis=0), np.median(timed / timed[:, :1], axis=0)
    return [Cost(*both) for both in zip(us.tolist(), times.tolist(), strict=True)]


def of_kinds(portfolio: Portfolio) -> Iterable[tuple[str, int, FeatureSet]]:
    """("", 0, one count per entity), then (kind, how many features, those of the kind beside it)."""
    entities = [entity.name for entity in portfolio.entities]
    base = [FeatureSpec(name=e, kind="count", entity=e, window_ms=DAY_MS) for e in entities]
    yield "", 0, _only(portfolio, base)
    timelines = [feature for feature in portfolio.features if feature.entity]
    for kind in sorted({feature.kind for feature in timelines}):
        of_kind = [feature for feature in timelines if feature.kind == kind]
        yield kind, len(of_kind), _only(portfolio, [*base, *of_kind])


def _only(portfolio: Portfolio, features: Sequence[FeatureSpec]) -> FeatureSet:
    return compile_portfolio(msgspec.structs.replace(portfolio, features=tuple(features)))


def main(names: Sequence[str]) -> None:
    """Print two portfolios of one data set beside each other, then a table of kinds for each portfolio."""
    stream = make_stream()
    sets = {name: _read(name) for name in dict.fromkeys([*BESIDE, *(names or SHIPPED)])}
    for portfolio in sets.values():
        warm_up(compile_portfolio(portfolio))
    _tell_beside(stream, [compile_portfolio(sets[name]) for name in BESIDE])
    for name in names or SHIPPED:
        _tell_kinds(stream, sets[name])


def _read(name: str) -> Portfolio:
    return parse_portfolio((PORTFOLIOS / f"{name}.toml").read_text(encoding="utf-8"), name)


def _tell_beside(stream: Stream, sets: Sequence[FeatureSet]) -> None:
    found = costs(stream, sets)
    for features, cost in zip(sets, found, strict=True):
        name = f"{features.portfolio_name}, {len(features.names)} inputs"
        print(f"{name:34}{cost.us:8.2f} us a payment{cost.times:7.2f} times", flush=True)


def _tell_kinds(stream: Stream, portfolio: Portfolio) -> None:
    of = list(of_kinds(portfolio))
    found = costs(stream, [features for _, _, features in of])
    head = f"{portfolio.name}: kind"
    print(f"\n{head:34}{'features':>8}{'us a payment':>15}{'us a feature':>15}{'times':>8}")
    for (kind, count, _), cost in zip(of, found, strict=True):
        name, share = kind or "one count each, in all others", (cost.us - found[0].us) / max(count, 1)
        print(f"{name:34}{count:8}{cost.us:15.2f}{share:15.3f}{cost.times:8.2f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
