"""Microseconds of the fold per payment, of portfolios and kind by kind: ``python -m tests.bench.fold``.

A seeded stream of 100 days is folded in one process, labels seven days late; only its last part is timed,
when windows are full. A kind's cost is what its features add to one count per entity, over their number.
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
TIMED_BATCHES: Final = 400
BUDGET_BYTES: Final = 1 << 29
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


def microseconds(stream: Stream, features: FeatureSet) -> float:
    """Of `Timelines.fold` per payment, over the last batches."""
    rows = rows_of(stream, features)
    columns = [stream.owner[entity.key].astype(str).tolist() for entity in features.entities]
    ids = list(zip(*columns, strict=True))
    timelines = Timelines(features, BUDGET_BYTES)
    lengths: dict[bytes, int] = {}
    begins = range(0, len(rows), BATCH)
    spent, payments = 0, 0
    for batch, begin in enumerate(begins):
        part = rows[begin : begin + BATCH]
        claim = timelines.claim(ids[begin : begin + BATCH])
        starts = [lengths.get(key, 0) for key in claim.keys]
        for key, first, added in zip(claim.keys, starts, claim.counts.tolist(), strict=True):
            lengths[key] = first + added
        matrix = np.full((len(part), len(features.names)), np.nan)
        began = time.perf_counter_ns()
        timelines.fold(claim, part, starts, b"", matrix)
        if batch >= len(begins) - TIMED_BATCHES:
            spent += time.perf_counter_ns() - began
            payments += int((part["kind"] == KIND_TRANSACTION).sum())
    return spent / payments / 1000


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
    """Print a table for each portfolio, each figure the best of two runs."""
    stream = make_stream()
    for name in names:
        portfolio = parse_portfolio((PORTFOLIOS / f"{name}.toml").read_text(encoding="utf-8"), name)
        whole = compile_portfolio(portfolio)
        warm_up(whole)
        print(f"{name}: {_best(stream, whole):.2f} us/payment, {len(whole.names)} inputs", flush=True)
        base = 0.0
        for kind, count, features in of_kinds(portfolio):
            found = _best(stream, features)
            base = base or found
            share = (found - base) / max(count, 1)
            told = f"{share:6.3f} us a feature, {count} of {kind}" if kind else "one count each"
            print(f"  {found:6.2f} us/payment  {told}", flush=True)


def _best(stream: Stream, features: FeatureSet) -> float:
    return min(microseconds(stream, features) for _ in range(2))


if __name__ == "__main__":
    main(sys.argv[1:] or ["handbook15", "handbook", "bank"])
