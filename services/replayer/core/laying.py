"""From records to places: which row stands at which index of which log, and who asks what of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from shared.contracts.capture import REPEAT_SHIFT
from shared.contracts.payments import Activity, Label, Transaction
from shared.contracts.texts import together
from shared.features.rows import Ids, RowEncoder

from .records import Accepted, Read, Record

Integers = NDArray[np.int64]

WORD: Final = "w"
TIME_WORD: Final = 0
AMOUNT_WORD: Final = 1
ID_WORD: Final = 2
LOG: Final = ["entity", "own", "epoch"]
"""What names a log: the entity's place in the portfolio, its id, the epoch."""


def words(found: Read, encoder: RowEncoder) -> Integers:
    """Layout rows (n, W) of all that was read, with the time and amount that their bytes say; zeros where
    no record is."""
    records = found.records
    rows = np.flatnonzero(found.is_payment)
    chosen: list[Transaction] = [records[i] for i in rows.tolist()]  # type: ignore[misc]  # by their kind
    ids = together([tx.tx_id.encode() for tx in chosen])
    bodies = np.ascontiguousarray(found.hashes[:, :4]).view("<u4").ravel()
    payments = encoder.transactions(chosen, ids, found.amount_minor[rows], found.event_ms[rows], bodies[rows])
    width = payments.dtype.itemsize // 8
    made = np.zeros((len(records), width), np.int64)
    made[rows] = payments.view(np.int64).reshape(len(rows), width)
    for i in np.flatnonzero(~found.is_payment).tolist():
        record, body = records[i], int(bodies[i])
        if isinstance(record, Label):
            made[i] = np.frombuffer(encoder.label(record, body), np.int64)
        elif isinstance(record, Activity):
            made[i] = np.frombuffer(encoder.activity(record, body), np.int64)
    return made


def accepted_words(made: Integers, found: Read, raw: NDArray[np.intp], accepted: Accepted) -> Integers:
    """The rows (n, W) of the records ``raw`` (n,), payments with the time and amount that they count with."""
    rows = made[raw]
    is_payment = found.is_payment[raw]
    rows[is_payment, TIME_WORD] = accepted.event_ms[is_payment]
    rows[is_payment, AMOUNT_WORD] = accepted.amount_base_minor[is_payment]
    return rows


def entity_ids(records: Sequence[Record | None], entities: int, encoder: RowEncoder) -> list[pl.Series]:
    """For each of the portfolio's entities a column (n,) of its ids, null where a record has none."""
    none: Ids = (None,) * entities
    read = encoder.entity_ids
    rows = [none if r is None else read(r) for r in records]
    return [pl.Series("own", list(map(itemgetter(e), rows)), pl.String) for e in range(entities)]


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """n records of the append log: ``order`` (n,) in which they were captured, ``epoch`` (n,), ``versions``
    (n, e), ``repeats`` as lists, ``fault`` (n,) 0 or the place of a `RECORD_FAULTS` plus one."""

    order: Integers
    epoch: Integers
    versions: Integers
    repeats: pl.Series
    fault: NDArray[np.uint8]


def places(entries: Entries, rows: Integers, owns: Sequence[pl.Series]) -> pl.DataFrame:
    """A line per place of a log: the log, ``index``, ``tier``, ``order``, ``fault`` and the row's words.

    Where several lines claim one index the lowest (``tier``, ``order``) is right: 0 says that this record was
    appended there, 1 that it stands there by its first copy, which no capture tells of.
    """
    n, entities = entries.versions.shape
    flat = pl.DataFrame({"row": np.arange(n), "packed": entries.repeats}).explode("packed").drop_nulls()
    row = flat["row"].to_numpy()
    packed = flat["packed"].to_numpy().astype(np.int64)
    entity, index = packed >> REPEAT_SHIFT, packed & ((1 << REPEAT_SHIFT) - 1)
    parts = []
    for e in range(entities):
        mine = entity == e
        first = np.flatnonzero(entries.versions[:, e] >= 0)
        is_repeated = np.zeros(n, np.int8)
        is_repeated[row[mine]] = 1
        chosen = np.concatenate([first, row[mine]])
        at = np.concatenate([entries.versions[first, e], index[mine]])
        tier = np.concatenate([is_repeated[first], np.zeros(int(mine.sum()), np.int8)])
        parts.append(_part(e, owns[e], chosen, at, tier, entries, rows))
    return pl.concat(parts)


def _part(
    entity: int,
    own: pl.Series,
    chosen: NDArray[np.intp],
    index: Integers,
    tier: NDArray[np.int8],
    entries: Entries,
    rows: Integers,
) -> pl.DataFrame:
    columns: dict[str, Any] = {
        "entity": np.full(len(chosen), entity, np.int8),
        "own": own.gather(chosen),
        "epoch": entries.epoch[chosen],
        "index": index,
        "tier": tier,
        "order": entries.order[chosen],
        "fault": entries.fault[chosen],
    }
    return pl.DataFrame({**columns, **worded(rows[chosen])})


def worded(rows: Integers) -> dict[str, Integers]:
    """The columns of rows (n, W)."""
    return {f"{WORD}{k}": np.ascontiguousarray(column) for k, column in enumerate(rows.T)}


def unworded(frame: pl.DataFrame) -> Integers:
    """Rows (n, W) of a frame's columns of words."""
    names = [name for name in frame.columns if name[0] == WORD and name[1:].isdigit()]
    return np.ascontiguousarray(frame.select(names).to_numpy()).reshape(len(frame), len(names))


def asks(
    numbers: Integers, epoch: Integers, versions: Integers, rows: Integers, owns: Sequence[pl.Series]
) -> pl.DataFrame:
    """A line per decision and entity that it has: the log, its ``number``, its captured ``version``, its row.

    ``numbers``, ``epoch`` (n,); ``versions`` (n, e) as decided; ``rows`` (n, W) of the payments themselves.
    """
    parts = []
    for e in range(versions.shape[1]):
        chosen = np.flatnonzero(owns[e].is_not_null().to_numpy())
        columns: dict[str, Any] = {
            "entity": np.full(len(chosen), e, np.int8),
            "own": owns[e].gather(chosen),
            "epoch": epoch[chosen],
            "number": numbers[chosen],
            "version": versions[chosen, e],
        }
        parts.append(pl.DataFrame({**columns, **worded(rows[chosen])}))
    return pl.concat(parts)
