"""A day of the past as Arrow tables: payments with their labels beside them, and labels on their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from . import names
from .history import Past
from .labels import NEVER
from .payments import PATTERNS
from .world import CATEGORIES, Integers, World

_INSTANT: Final = pa.timestamp("ms", tz="UTC")

TRANSACTIONS: Final = pa.schema(
    [
        ("tx_id", pa.string()),
        ("event_time", _INSTANT),
        ("account_id", pa.string()),
        ("card_id", pa.string()),
        ("merchant_id", pa.string()),
        ("terminal_id", pa.string()),
        ("amount_minor", pa.int64()),
        ("currency", pa.string()),
        ("category", pa.string()),
        ("channel", pa.string()),
        ("country", pa.string()),
        ("caller", pa.string()),
        ("fraud", pa.int8()),
        ("fraud_known_at", _INSTANT),
        ("fraud_reversed_at", _INSTANT),
        ("fraud_type", pa.string()),
    ]
)

LABELS: Final = pa.schema(
    [
        ("label_id", pa.string()),
        ("tx_id", pa.string()),
        ("account_id", pa.string()),
        ("card_id", pa.string()),
        ("merchant_id", pa.string()),
        ("terminal_id", pa.string()),
        ("event_time", _INSTANT),
        ("known_at", _INSTANT),
        ("verdict", pa.string()),
        ("source", pa.string()),
        ("amount_minor", pa.int64()),
        ("fraud_type", pa.string()),
    ]
)


class Tables:
    """Makes tables of one world; names are written once and shared by all rows."""

    def __init__(self, world: World, currency: str) -> None:
        merchants = len(world.category)
        self._currency = currency
        self._account = _named(names.account_id, world.accounts)
        self._card = _named(names.card_id, world.accounts)
        self._merchant = _named(names.merchant_id, merchants)
        self._terminal = _named(names.terminal_id, len(world.merchant_of))
        self._category = pa.array([category.name for category in CATEGORIES])
        self._channel = pa.array(["pos", "online"])
        self._caller = pa.array([names.CALLERS["pos"], names.CALLERS["online"]])
        self._online = np.array([category.online for category in CATEGORIES])
        self._pattern = pa.array([pattern or None for pattern in PATTERNS], pa.string())
        self._world = world

    def transactions(self, past: Past) -> pa.Table:
        """The payments of the day, in event-time order, as `TRANSACTIONS`."""
        payments, labels = past.payments, past.labels
        merchant = self._world.merchant_of[payments.terminal]
        category = self._world.category[merchant]
        online = self._online[category].astype(np.int64)
        n = len(payments.time_ms)
        return _table(
            TRANSACTIONS,
            tx_id=self._tx_ids(past),
            event_time=payments.time_ms,
            account_id=self._account.take(payments.account),
            card_id=self._card.take(payments.account),
            merchant_id=self._merchant.take(merchant),
            terminal_id=self._terminal.take(payments.terminal),
            amount_minor=payments.amount_minor,
            currency=pa.repeat(self._currency, n),
            category=self._category.take(category),
            channel=self._channel.take(online),
            country=pa.repeat(names.COUNTRY, n),
            caller=self._caller.take(online),
            fraud=_nullable(labels.verdict, labels.verdict < 0),
            fraud_known_at=_nullable(labels.known_ms, labels.known_ms == NEVER),
            fraud_reversed_at=_nullable(labels.reversed_ms, labels.reversed_ms == NEVER),
            fraud_type=self._pattern.take(np.where(labels.verdict == 1, payments.pattern, 0)),
        )

    def labels(self, past: Past) -> pa.Table:
        """The labels of the day's payments, reversals after what they take back, as `LABELS`."""
        labels = past.labels
        given, back = np.flatnonzero(labels.verdict >= 0), np.flatnonzero(labels.reversed_ms != NEVER)
        verdicts = np.where(labels.verdict[given] == 1, "fraud", "genuine").tolist()
        rows = np.concatenate([given, back])
        payments = past.payments.at(rows)
        tx_ids = self._tx_ids(past).take(rows).to_pylist()
        verdict = [*verdicts, *("reversed" for _ in back)]
        return _table(
            LABELS,
            label_id=[f"{tx_id}-{word}" for tx_id, word in zip(tx_ids, verdict, strict=True)],
            tx_id=tx_ids,
            account_id=self._account.take(payments.account),
            card_id=self._card.take(payments.account),
            merchant_id=self._merchant.take(self._world.merchant_of[payments.terminal]),
            terminal_id=self._terminal.take(payments.terminal),
            event_time=payments.time_ms,
            known_at=np.concatenate([labels.known_ms[given], labels.reversed_ms[back]]),
            verdict=verdict,
            source=pa.repeat(names.SOURCE, len(rows)),
            amount_minor=payments.amount_minor,
            fraud_type=self._pattern.take(payments.pattern),
        )

    def _tx_ids(self, past: Past) -> pa.Array:
        return pa.array([names.past_tx_id(past.day, number) for number in past.number.tolist()], pa.string())


def _named(name: Callable[[int], str], count: int) -> pa.Array:
    return pa.array([name(i) for i in range(count)], pa.string())


def _nullable(values: Integers, missing: NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, pa.int64(), mask=missing)


def _table(schema: pa.Schema, **columns: Any) -> pa.Table:
    arrays = [_cast(columns[field.name], field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _cast(values: Any, kind: pa.DataType) -> pa.Array:
    array = values if isinstance(values, pa.Array) else pa.array(values)
    return array if array.type == kind else array.cast(kind)
