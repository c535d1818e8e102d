"""Records to rows of the timeline layout, and to the ids of the entities they belong to."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shared.contracts.ids import KIND_ACTIVITY, KIND_LABEL, KIND_TRANSACTION
from shared.contracts.payments import Activity, Label, Transaction
from shared.contracts.texts import Texts

from .compiled import FeatureSet
from .fields import number_of
from .hashing import Hasher
from .layout import KIND_LABEL as ROW_LABEL
from .layout import KIND_TRANSACTION as ROW_TRANSACTION
from .layout import VERDICT_FRAUD, VERDICT_GENUINE, VERDICT_REVERSED, place_fields
from .places import pack

_VERDICTS: Final = {"fraud": VERDICT_FRAUD, "genuine": VERDICT_GENUINE, "reversed": VERDICT_REVERSED}
_TEXTS: Final = "texts."

TEXTS_KEPT: Final = 65_536
"""Hashes of texts remembered; then the memory starts anew."""

Ids = tuple[str | None, ...]


class RowEncoder:
    """Encodes records for one feature set under one hash ``key`` (at most 64 bytes, secret).

    Each method gives one record of ``layout.record_bytes`` bytes; the same row is appended to the
    timeline of every entity of the record.
    """

    def __init__(self, feature_set: FeatureSet, key: bytes) -> None:
        layout = feature_set.layout
        self._payment_hashes = Hasher(8, key=key, person=bytes((KIND_TRANSACTION,)))
        self._payment_hash = _hasher(key, KIND_TRANSACTION)
        self._label_hash = _hasher(key, KIND_LABEL)
        self._activity_hash = _hasher(key, KIND_ACTIVITY)
        self._text_hash = _hasher(key, 0)
        self._texts: dict[str, int] = {}
        self._pack = struct.Struct(f"<qqQQBBHI{len(layout.columns)}Q").pack
        self._columns = tuple(self._column(field) for _, field in layout.columns)
        self._blank = (0,) * len(layout.columns)
        self._codes = {name: i for i, name in enumerate(layout.categories, 1)}
        self._layout = layout
        self.entity_ids: Callable[[Any], Ids] = entity_reader(feature_set)

    def transaction(self, tx: Transaction, amount_base_minor: int, event_time_ms: int, body: int) -> bytes:
        """The row of a payment; time and amount as accepted, ``body`` the low 32 bits of its input hash."""
        identity = self._payment_hash(tx.tx_id)
        code = self._codes.get(tx.category, 0) if tx.category else 0
        extra = self._blank and [read(tx) for read in self._columns]
        return self._pack(
            event_time_ms, amount_base_minor, identity, 0, ROW_TRANSACTION, 0, code, body, *extra
        )

    def transactions(
        self,
        payments: Sequence[Transaction],
        ids: Texts,
        amount_base_minor: NDArray[np.int64],
        event_time_ms: NDArray[np.int64],
        bodies: NDArray[np.uint32],
    ) -> NDArray[Any]:
        """The rows (n,) of n payments, each as `transaction` gives it; ``ids`` are their tx_ids in UTF-8."""
        rows = np.zeros(len(payments), self._layout.dtype)
        rows["t"], rows["a"] = event_time_ms, amount_base_minor
        rows["id"] = self._payment_hashes.of(ids).view("<u8").ravel()
        rows["kind"], rows["body"] = ROW_TRANSACTION, bodies
        if self._codes:
            rows["code"] = [self._codes.get(tx.category, 0) if tx.category else 0 for tx in payments]
        for i, read in enumerate(self._columns):
            rows[f"x{i}"] = np.array([read(tx) for tx in payments], np.uint64)
        return rows

    def label(self, label: Label, body: int) -> bytes:
        """The row of a label: its payment's time, when it was known, the payment's hash, the verdict."""
        identity = self._label_hash(label.label_id)
        payment = self._payment_hash(label.tx_id)
        verdict = _VERDICTS[label.verdict]
        times = (label.event_time_ms, label.known_at_ms)
        return self._pack(*times, identity, payment, ROW_LABEL, verdict, 0, body, *self._blank)

    def activity(self, activity: Activity, body: int) -> bytes:
        """The row of an activity; its amount counts as base minor units, 0 where it has none."""
        identity = self._activity_hash(activity.activity_id)
        payment = self._payment_hash(activity.tx_id) if activity.tx_id else 0
        kind = self._layout.activity_code(activity.kind)
        amount = activity.amount_minor or 0
        extra = self._blank and [read(activity) for read in self._columns]
        return self._pack(activity.event_time_ms, amount, identity, payment, kind, 0, 0, body, *extra)

    def _column(self, field: str) -> Callable[[Any], int]:
        """A function from a record to the column's 64 bits, 0 where it has none."""
        if place := place_fields(field):
            latitude, longitude = place
            return lambda record: pack(number_of(record, latitude), number_of(record, longitude))
        read = _reader(field)
        return lambda record: self._hash(read(record))

    def _hash(self, text: str | None) -> int:
        """A value's hash, never 0, which stands for a missing one."""
        if text is None:
            return 0
        if text not in self._texts:
            if len(self._texts) >= TEXTS_KEPT:
                self._texts.clear()
            self._texts[text] = self._text_hash(text) or 1
        return self._texts[text]


def _hasher(key: bytes, kind: int) -> Callable[[str], int]:
    """`ids.record_hash` for one key and kind, with the key's block hashed once: half the cost."""
    copy = blake2b(digest_size=8, key=key, person=bytes((kind,))).copy
    from_bytes = int.from_bytes

    def hash_id(own_id: str) -> int:
        digest = copy()
        digest.update(own_id.encode())
        return from_bytes(digest.digest(), "little")

    return hash_id


def entity_reader(feature_set: FeatureSet) -> Callable[[Any], Ids]:
    """A function from a record to its entities' ids, in the portfolio's order; None where it has none."""
    keys = [entity.key for entity in feature_set.entities]
    if len(keys) == 1:
        only = attrgetter(keys[0])
        return lambda record: (only(record),)
    return attrgetter(*keys)


def _reader(field: str) -> Callable[[Any], str | None]:
    """A function that reads a text field of a transaction or activity, None where it has none."""
    if not field.startswith(_TEXTS):
        return lambda record: getattr(record, field, None)
    name = field[len(_TEXTS) :]

    def read(record: Any) -> str | None:
        texts: dict[str, str] | None = record.texts
        return texts.get(name) if texts else None

    return read
