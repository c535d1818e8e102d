"""Seeded worlds of any portfolio, and the same world with something changed that no payment may notice.

The worlds are told to the fold in the worst order: what a payment may not know yet stands in its timelines
before it, so that only the fold's own rules can hide it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from random import Random
from typing import Any, Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from shared.contracts.payments import ENTITY_FIELDS, Activity, Label, Transaction
from shared.features.compiled import FeatureSet
from shared.features.durations import DAY_MS
from shared.features.fields import NUMBER_PREFIX
from shared.features.kinds import KINDS
from shared.features.portfolio import Portfolio
from shared.features.spec import FeatureSpec
from tests.support.one_worker import Record, fold

BEGIN_MS: Final = 1_700_000_000_000
DAYS: Final = 90
LONG_HORIZON_DAYS: Final = 200
NAMES: Final = 5
"""So few accounts, shops and devices that their paths cross all the time."""

KNOWN_AFTER_DAYS: Final = (1, 7, 16, 40)
"""Labels come before, at and after their delay."""

OTHER_VERDICT: Final = {"fraud": "genuine", "genuine": "fraud", "reversed": "fraud"}
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class World:
    """Payments in event-time order, and what goes with them."""

    payments: tuple[Transaction, ...]
    activities: tuple[Activity, ...]
    labels: tuple[Label, ...]


def make_world(portfolio: Portfolio, seed: int, size: int = 300) -> World:
    """A world of ``size`` payments, as many activities where the portfolio has some, half as many labels."""
    random = Random(seed)
    times = sorted(BEGIN_MS + random.randrange(DAYS * DAY_MS) for _ in range(size))
    payments = tuple(_payment(portfolio, random, f"{seed}-{i}", t) for i, t in enumerate(times))
    activities = tuple(
        Activity(
            v=1,
            activity_id=f"act-{seed}-{i}",
            event_time_ms=BEGIN_MS + random.randrange(DAYS * DAY_MS),
            kind=random.choice(portfolio.activities),
            **_entities(random),
        )
        for i in range(size if portfolio.activities else 0)
    )
    labels = [_labels(random, payment) for payment in payments if random.random() < 0.5]
    return World(payments, activities, tuple(chain.from_iterable(labels)))


def _entities(random: Random) -> dict[str, Any]:
    named = {field: f"{field[:-3]}-{random.randrange(NAMES)}" for field in ENTITY_FIELDS}
    missing = [field for field in ENTITY_FIELDS if field != "account_id" and random.random() < 0.1]
    return {field: name for field, name in named.items() if field not in missing}


def _payment(portfolio: Portfolio, random: Random, number: str, time_ms: int) -> Transaction:
    return Transaction(
        v=1,
        tx_id=f"tx-{number}",
        event_time_ms=time_ms,
        amount_minor=round(10 ** random.uniform(1, 5)),
        currency=portfolio.currency,
        category=random.choice([*portfolio.categories, "unheard of", None]),
        country=random.choice(["DE", "FR", None]),
        latitude=random.uniform(-60, 60),
        longitude=random.uniform(-180, 180),
        numbers={name: random.uniform(-60, 60) for name in _numbers(portfolio)},
        **_entities(random),
    )


def _numbers(portfolio: Portfolio) -> list[str]:
    fields = [f for spec in portfolio.features for f in (*spec.places, spec.field) if f]
    return sorted({f.removeprefix(NUMBER_PREFIX) for f in fields if f.startswith(NUMBER_PREFIX)})


def _labels(random: Random, payment: Transaction) -> list[Label]:
    """What becomes known of a payment: a verdict, and now and then that it is taken back."""
    known_ms = payment.event_time_ms + random.choice(KNOWN_AFTER_DAYS) * DAY_MS
    first = label_of(payment, random.choice(["fraud", "fraud", "genuine"]), known_ms)
    if random.random() < 0.8:
        return [first]
    return [first, label_of(payment, "reversed", known_ms + random.choice(KNOWN_AFTER_DAYS) * DAY_MS)]


def label_of(payment: Transaction, verdict: Any, known_ms: int) -> Label:
    """A label of a payment, with its entities and its time."""
    entities = {field: getattr(payment, field) for field in ENTITY_FIELDS}
    return Label(
        v=1,
        label_id=f"{payment.tx_id}-{verdict}",
        tx_id=payment.tx_id,
        event_time_ms=payment.event_time_ms,
        amount_minor=payment.amount_minor,
        known_at_ms=known_ms,
        verdict=verdict,
        source="leak worlds",
        **entities,
    )


def seen(features: FeatureSet, world: World, future: Sequence[Record] = ()) -> NDArray[np.uint64]:
    """The bits (n, d) of every payment's inputs; ``future`` and all labels stand in the timelines before."""
    early = [*future, *world.labels]
    happened: list[Activity | Transaction] = [*world.activities, *world.payments]
    then = sorted(happened, key=_order)
    matrix = fold(features, [*early, *then])
    others = sum(isinstance(record, Transaction) for record in future)
    return np.ascontiguousarray(matrix[others:]).view(np.uint64)


def _order(record: Activity | Transaction) -> tuple[int, bool]:
    return record.event_time_ms, isinstance(record, Transaction)


def with_young_labels_flipped(world: World, cut_ms: int, delay_ms: int) -> World:
    """At ``cut_ms`` every label that is younger than its delay says the opposite."""
    labels = (
        replace(label, verdict=OTHER_VERDICT[label.verdict]) if _is_young(label, cut_ms, delay_ms) else label
        for label in world.labels
    )
    return World(world.payments, world.activities, tuple(labels))


def _is_young(label: Label, cut_ms: int, delay_ms: int) -> bool:
    return label.known_at_ms > cut_ms or label.event_time_ms > cut_ms - delay_ms


def with_long_horizon(portfolio: Portfolio) -> Portfolio:
    """The portfolio with a horizon longer than any world here, so that no payment of one is beyond it.

    A future that stands in a log already makes what comes after it late. Of what is later than the horizon
    the log may have forgotten the windows (ADR 28); within it nothing may move, and that is what is proved.
    """
    return replace(portfolio, horizon_days=LONG_HORIZON_DAYS)


def until(world: World, cut_ms: int) -> World:
    """The world without what happens, or becomes known, after ``cut_ms``."""
    return World(
        tuple(p for p in world.payments if p.event_time_ms <= cut_ms),
        tuple(a for a in world.activities if a.event_time_ms <= cut_ms),
        tuple(label for label in world.labels if label.known_at_ms <= cut_ms),
    )


def after(world: World, cut_ms: int, random: Random) -> list[Record]:
    """What happens, or becomes known, after ``cut_ms``, in any order."""
    everything: Iterable[Record] = chain(world.payments, world.activities, world.labels)
    found = [r for r in everything if _moment(r) > cut_ms]
    random.shuffle(found)
    return found


def _moment(record: Record) -> int:
    return record.known_at_ms if isinstance(record, Label) else record.event_time_ms


def sees_own_amount(specs: Sequence[FeatureSpec]) -> Mask:
    """Which features (d,) are declared to depend on the amount of the payment itself."""
    found: dict[str, bool] = {}
    for spec in specs:
        kind = KINDS[spec.kind]
        of_amounts = kind.unit == "minor units"
        found[spec.name] = (
            spec.field in ("amount", "amount_minor")
            or kind.meaning.startswith("amount ")
            or (spec.counts_self and of_amounts)
            or any(found[operand] for operand in (spec.left, spec.right) if operand is not None)
        )
    return np.array(list(found.values()))
