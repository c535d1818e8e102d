"""The simulated bank folded offline: each payment's features as the scorer has them, and the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.simulator.core.columns import PATTERNS
from services.simulator.core.history import Past, past_days
from services.simulator.core.names import CALLERS, CHANNELS
from services.simulator.core.span import DAY_MS
from services.simulator.core.tables import Tables
from services.simulator.core.world import CATEGORIES, COUNTRIES, World
from shared.contracts.payments import Activity, Label, Transaction
from shared.features.calendar import hours, weekdays
from shared.features.compiled import FeatureSet
from tests.support.one_worker import Record, fold

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
RAW_FIELDS: Final = ("amount", "hour", "weekday", "category", "channel", "country", "caller", "has_device")


@dataclass(frozen=True)
class Seen:
    """n payments in event-time order: the d ``features`` and the raw fields (n, 8), when, and the truth.

    ``pattern`` (n,) is a position of `PATTERNS`; ``known_fraud`` (n,) what labels said by ``as_of_ms``.
    """

    features: Floats
    raw: Floats
    time_ms: Integers
    pattern: Integers
    known_fraud: NDArray[np.bool_]


def play(world: World, feature_set: FeatureSet, from_ms: int, to_ms: int, as_of_ms: int) -> Seen:
    """Everything of a stretch through the compiled feature set, labels when they are known."""
    days = list(past_days(world, from_ms, to_ms))
    labels = [day.labels for day in days]
    known_ms, back_ms, verdict = (np.concatenate([x[i] for x in labels]) for i in (1, 2, 0))
    taken_back = (back_ms >= 0) & (back_ms <= as_of_ms)
    payments = [day.payments for day in days]
    tables = Tables(world, "EUR")
    records = sorted_records(tables, days)
    return Seen(
        features=fold(feature_set, records),
        raw=np.concatenate([raw_fields(tables, day) for day in days]),
        time_ms=np.concatenate([part.time_ms for part in payments]),
        pattern=np.concatenate([part.pattern for part in payments]),
        known_fraud=(verdict == 1) & (known_ms <= as_of_ms) & ~taken_back,
    )


def raw_fields(tables: Tables, day: Past) -> Floats:
    """What the payments of a day show by themselves, as `RAW_FIELDS`."""
    table = tables.transactions(day)
    time_ms = day.payments.time_ms
    texts = {
        "category": [category.name for category in CATEGORIES],
        "channel": list(CHANNELS),
        "country": [country.code for country in COUNTRIES],
        "caller": list(CALLERS),
    }
    coded = [
        np.array([np.nan if v is None else float(names.index(v)) for v in table[field].to_pylist()])
        for field, names in texts.items()
    ]
    amount, has_device = table["amount_minor"].to_numpy(), table["device_id"].is_valid().to_numpy()
    columns = [amount, hours(time_ms), weekdays(time_ms), *coded, has_device]
    return np.column_stack([np.asarray(column, np.float64) for column in columns])


def sorted_records(tables: Tables, days: Sequence[Past]) -> list[Record]:
    """All records in the order in which they become known; of one moment labels first, payments last."""
    found: list[tuple[int, int, Record]] = []
    for day in days:
        found += [(tx.event_time_ms, 2, tx) for tx in _rows(Transaction, tables.transactions(day))]
        found += [(done.event_time_ms, 1, done) for done in _rows(Activity, tables.activities(day))]
        found += [(label.known_at_ms, 0, label) for label in _rows(Label, tables.labels(day))]
    return [record for _, _, record in sorted(found, key=lambda item: item[:2])]


def _rows(kind: type[Any], table: pa.Table) -> Iterator[Any]:
    fields = set(kind.__struct_fields__)
    names = {"event_time": "event_time_ms", "known_at": "known_at_ms"}
    columns = {}
    for name in table.column_names:
        values = table[name].cast(pa.int64()) if pa.types.is_timestamp(table[name].type) else table[name]
        columns[names.get(name, name)] = values.to_pylist()
    kept = {name: values for name, values in columns.items() if name in fields}
    for row in zip(*kept.values(), strict=True):
        yield kind(v=1, **dict(zip(kept, row, strict=True)))


def names_of(pattern: int) -> str:
    """A pattern's name, for reports."""
    return PATTERNS[pattern]


def day_ms(day: int) -> int:
    """The first moment of a day counted from 1970."""
    return day * DAY_MS
