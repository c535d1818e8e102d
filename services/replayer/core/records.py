"""Original bytes as records: their hashes, what they are, and what time and amount they count with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from shared.contracts.codec import ACTIVITIES, LABELS, TRANSACTIONS, Codec, DecodeError
from shared.contracts.ids import KIND_ACTIVITY, KIND_LABEL, KIND_TRANSACTION
from shared.contracts.money import convert_minor
from shared.contracts.payments import Activity, Label, Transaction
from shared.contracts.texts import together
from shared.features.hashing import Digests, Hasher
from shared.features.lateness import Limits

Integers = NDArray[np.int64]
Record = Transaction | Label | Activity

ON_TIME: Final = 0
AHEAD: Final = 1
LATE: Final = 2
FLAGS: Final[tuple[tuple[str, ...], ...]] = ((), ("ahead",), ("late",))
"""What a decision says of a payment's time, by code."""

_CODECS: Final[dict[int, Codec[Any]]] = {
    KIND_TRANSACTION: TRANSACTIONS,
    KIND_LABEL: LABELS,
    KIND_ACTIVITY: ACTIVITIES,
}
_HASHES: Final = Hasher(16)


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """n - 1 records and, behind them, one that stands for bytes that are not there.

    ``records`` (n,), None where the bytes are no record; ``hashes`` (n, 16) of the bytes; ``event_ms`` and
    ``amount_minor`` (n,), 0 where there is none; ``is_payment`` and ``is_foreign`` (n,): a payment, and one
    in another currency than the base.
    """

    records: list[Record | None]
    hashes: Digests
    event_ms: Integers
    amount_minor: Integers
    is_payment: NDArray[np.bool_]
    is_foreign: NDArray[np.bool_]


def read(kinds: Sequence[int], raws: Sequence[bytes], base_currency: str) -> Read:
    """What ``raws`` hold, each a record of its kind."""
    records: list[Record | None] = [None] * (len(raws) + 1)
    found = np.array([*kinds, 0])
    event_ms, amount_minor = np.zeros(len(records), np.int64), np.zeros(len(records), np.int64)
    is_payment, is_foreign = np.zeros(len(records), np.bool_), np.zeros(len(records), np.bool_)
    for kind, codec in _CODECS.items():
        rows = np.flatnonzero(found == kind).tolist()
        decoded = codec.decode_each([raws[i] for i in rows])
        at: list[int] = rows
        chosen: Sequence[Any] = decoded.records
        if not decoded.is_plain:
            at, chosen = _good(rows, decoded.records)
        for i, record in zip(at, chosen, strict=True):
            records[i] = record
        event_ms[at] = [record.event_time_ms for record in chosen]
        if kind != KIND_LABEL:  # a label may say what its payment was of; in a timeline it counts nothing
            amount_minor[at] = [record.amount_minor or 0 for record in chosen]
        if kind == KIND_TRANSACTION:
            is_payment[at], is_foreign[at] = True, [tx.currency != base_currency for tx in chosen]
    nothing = np.zeros((1, 16), np.uint8)
    return Read(
        records=records,
        hashes=np.vstack([_HASHES.of(together(raws)), nothing]) if raws else nothing,
        event_ms=event_ms,
        amount_minor=amount_minor,
        is_payment=is_payment,
        is_foreign=is_foreign,
    )


def _good(rows: Sequence[int], decoded: Sequence[Any]) -> tuple[list[int], list[Any]]:
    """Those of ``rows`` that are records, and these."""
    good = [not isinstance(record, DecodeError) for record in decoded]
    return list(compress(rows, good)), list(compress(decoded, good))


def digests(column: pl.Series) -> Digests:
    """(n, 16) of n binary values; zeros for a missing one, or one of another length."""
    values = column.to_list()
    if column.null_count() or not (column.bin.size() == 16).all():
        nothing = bytes(16)
        values = [value if value is not None and len(value) == 16 else nothing for value in values]
    return np.frombuffer(b"".join(values), np.uint8).reshape(-1, 16)


def hex_digests(column: pl.Series) -> Digests:
    """`digests` of n texts of 32 hex digits."""
    return digests(column.str.decode("hex", strict=False))


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """How n records came: the partition's mark before each and the broker's append time, ms (n,); whether
    each was of a load (n,), and the release in charge (n,)."""

    mark_ms: Integers
    ingest_ms: Integers
    is_load: NDArray[np.bool_]
    release_seq: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Accepted:
    """Event times in ms, amounts in base minor units and codes of `FLAGS`, all (n,)."""

    event_ms: Integers
    amount_base_minor: Integers
    flags: NDArray[np.uint8]


def accept(
    found: Read,
    raw: NDArray[np.intp],
    came: Arrivals,
    limits: Limits,
    rates_ppm: Mapping[int, Mapping[str, int]],
) -> Accepted:
    """What the records ``raw`` (n,) of ``found`` count with; ``rates_ppm`` by release.

    The rules are `lateness.within` and the conversion to base currency, for many at once: a payment of no
    load is clamped when it is too far ahead of mark and append time, and flagged when it is behind the mark.
    """
    event, amount, is_payment = found.event_ms[raw], found.amount_minor[raw], found.is_payment[raw]
    furthest = np.maximum(came.mark_ms, came.ingest_ms) + limits.ahead_ms
    is_live = is_payment & ~came.is_load
    is_ahead = is_live & (event > furthest)
    is_late = is_live & ~is_ahead & (event < came.mark_ms - limits.horizon_ms)
    flags = np.where(is_ahead, AHEAD, np.where(is_late, LATE, ON_TIME)).astype(np.uint8)
    for i in np.flatnonzero(found.is_foreign[raw]).tolist():
        record = found.records[raw[i]]
        assert isinstance(record, Transaction)
        rate = rates_ppm.get(int(came.release_seq[i]), {}).get(record.currency, 0)
        amount[i] = convert_minor(record.amount_minor, rate)
    return Accepted(np.where(is_ahead, furthest, event), amount, flags)
