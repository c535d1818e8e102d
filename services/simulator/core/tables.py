"""A day of the past as Arrow tables: payments with their labels beside them, labels, activities."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import names
from .chance import Flags, Integers
from .columns import ACTIVITY_KINDS, PATTERNS
from .history import Past
from .labels import NEVER
from .texts import coded, numbered
from .world import CATEGORIES, COUNTRIES, World

_INSTANT: Final = pa.timestamp("ms", tz="UTC")

TRANSACTIONS: Final = pa.schema(
    [
        ("tx_id", pa.string()),
        ("event_time", _INSTANT),
        ("account_id", pa.string()),
        ("card_id", pa.string()),
        ("merchant_id", pa.string()),
        ("terminal_id", pa.string()),
        ("device_id", pa.string()),
        ("payee_id", pa.string()),
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
        ("device_id", pa.string()),
        ("payee_id", pa.string()),
        ("event_time", _INSTANT),
        ("known_at", _INSTANT),
        ("verdict", pa.string()),
        ("source", pa.string()),
        ("amount_minor", pa.int64()),
        ("fraud_type", pa.string()),
    ]
)


ACTIVITIES: Final = pa.schema(
    [
        ("activity_id", pa.string()),
        ("event_time", _INSTANT),
        ("account_id", pa.string()),
        ("kind", pa.string()),
        ("device_id", pa.string()),
        ("payee_id", pa.string()),
    ]
)


class Tables:
    """Makes tables of one world; names are written once and shared by all rows."""

    def __init__(self, world: World, currency: str) -> None:
        self._world = world
        self._currency = currency
        self._account = _named(names.account_id, world.accounts)
        self._cards = [_named(partial(names.card_id, card=card), world.accounts) for card in (0, 1)]
        self._merchant = _named(names.merchant_id, world.merchants)
        self._terminal = _named(names.terminal_id, len(world.merchant_of))
        self._category = pa.array([category.name for category in CATEGORIES])
        self._country = pa.array([country.code for country in COUNTRIES])
        self._channel = pa.array(names.CHANNELS)
        self._caller = pa.array(names.CALLERS)
        self._kind = pa.array(ACTIVITY_KINDS)
        self._pattern = pa.array([pattern or None for pattern in PATTERNS], pa.string())

    def transactions(self, past: Past) -> pa.Table:
        """The payments of the day, in event-time order, as `TRANSACTIONS`."""
        payments, labels = past.payments, past.labels
        transfer = names.is_transfer(payments)
        category = self._world.category[self._world.merchant_of[payments.terminal]]
        channel = names.channels(self._world, payments)
        return _table(
            TRANSACTIONS,
            **self._entities(past, np.arange(len(payments.time_ms))),
            event_time=payments.time_ms,
            amount_minor=payments.amount_minor,
            currency=pa.repeat(self._currency, len(payments.time_ms)),
            category=self._category.take(_nullable(category, transfer)),
            channel=self._channel.take(channel),
            country=self._country.take(payments.country),
            caller=self._caller.take(names.callers(channel, payments)),
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
        verdict = [*verdicts, *("reversed" for _ in back)]
        rows = np.concatenate([given, back])
        payments, entities = past.payments.at(rows), self._entities(past, rows)
        ids = zip(entities["tx_id"].to_pylist(), verdict, strict=True)
        return _table(
            LABELS,
            **entities,
            label_id=pa.array([f"{tx_id}-{word}" for tx_id, word in ids], pa.string()),
            event_time=payments.time_ms,
            known_at=np.concatenate([labels.known_ms[given], labels.reversed_ms[back]]),
            verdict=pa.array(verdict, pa.string()),
            source=pa.repeat(names.SOURCE, len(rows)),
            amount_minor=payments.amount_minor,
            fraud_type=self._pattern.take(payments.pattern),
        )

    def activities(self, past: Past) -> pa.Table:
        """The activities of the day, in event-time order, as `ACTIVITIES`."""
        done = past.activities
        return _table(
            ACTIVITIES,
            activity_id=numbered(names.past_activity_prefix(past.day), past.activity_number),
            event_time=done.time_ms,
            account_id=self._account.take(done.account),
            kind=self._kind.take(done.kind),
            device_id=_devices(done.device),
            payee_id=_payees(done.payee),
        )

    def _entities(self, past: Past, rows: Integers) -> dict[str, pa.Array]:
        """The ids of some payments of the day, a column each."""
        payments, transfer = past.payments.at(rows), names.is_transfer(past.payments)[rows]
        merchant = self._world.merchant_of[payments.terminal]
        first, second = (cards.take(_nullable(payments.account, transfer)) for cards in self._cards)
        return {
            "tx_id": numbered(names.past_tx_prefix(past.day), past.number[rows]),
            "account_id": self._account.take(payments.account),
            "card_id": pc.if_else(payments.card == 1, second, first),
            "merchant_id": self._merchant.take(_nullable(merchant, transfer)),
            "terminal_id": self._terminal.take(_nullable(payments.terminal, transfer)),
            "device_id": _devices(payments.device),
            "payee_id": _payees(payments.payee),
        }


def _named(name: Callable[[int], str], count: int) -> pa.Array:
    return pa.array([name(i) for i in range(count)], pa.string())


def _devices(codes: Integers) -> pa.Array:
    return coded(names.DEVICE_PREFIX, names.DEVICE_SALT, codes)


def _payees(codes: Integers) -> pa.Array:
    return coded(names.PAYEE_PREFIX, names.PAYEE_SALT, codes)


def _nullable(values: Integers, missing: Flags) -> pa.Array:
    return pa.array(values, pa.int64(), mask=missing)


def _table(schema: pa.Schema, **columns: Any) -> pa.Table:
    arrays = [_cast(columns[field.name], field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _cast(values: Any, kind: pa.DataType) -> pa.Array:
    array = values if isinstance(values, pa.Array) else pa.array(values)
    return array if array.type == kind else array.cast(kind)
