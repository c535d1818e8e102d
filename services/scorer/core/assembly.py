"""From items to one state call: their rows, and a claim on the timelines that they touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.contracts.ids import KIND_TRANSACTION
from shared.contracts.payments import Activity, Label
from shared.contracts.texts import together
from shared.features.compiled import FeatureSet
from shared.features.hashing import Digests, Hasher
from shared.features.rows import RowEncoder
from shared.features.timelines import Claim, Timelines

from .columns import Columns, columns_of
from .intake import InputRecord, Item
from .payments import Payments, payments_of

_INPUT_HASHES: Final = Hasher(16)
"""`ids.input_hash` of many records."""


@dataclass(slots=True)
class Assembly:
    """A micro-batch of n items ready for the store.

    ``hashes`` (n, 16) of the inputs; ``rows``, n layout rows end to end; the claim.
    """

    columns: Columns
    payments: Payments
    hashes: Digests
    rows: bytes
    claim: Claim

    def body(self) -> bytes:
        """The rows in call order: for each claimed timeline its records, in the items' order."""
        words = np.frombuffer(self.rows, np.int64).reshape(len(self.hashes), -1)
        return words[self.claim.order].tobytes()


def assemble(items: Sequence[Item], encoder: RowEncoder, timelines: Timelines) -> Assembly:
    """Rows and claim of ``items``, at least one. A late payment reads its timelines and joins none."""
    columns = columns_of(items)
    raws = together([item.raw for item in items])
    payments = payments_of(items, np.flatnonzero(columns.kind == KIND_TRANSACTION), raws)
    hashes = _INPUT_HASHES.of(raws)
    entity_ids = encoder.entity_ids
    ids = [entity_ids(item.record) for item in items]
    kept = None
    if any([item.flags for item in items]):  # noqa: C419  # a list is faster here, and nearly all are empty
        kept = np.array(["late" not in item.flags for item in items])
    rows = _rows(items, columns, payments, hashes, encoder)
    return Assembly(columns, payments, hashes, rows, timelines.claim(ids, kept))


def _rows(
    items: Sequence[Item], columns: Columns, payments: Payments, hashes: Digests, encoder: RowEncoder
) -> bytes:
    """Layout rows; a row's body check is the low 32 bits of the input hash."""
    bodies: NDArray[np.uint32] = np.ascontiguousarray(hashes[:, :4]).view("<u4").ravel()
    chosen = payments.rows
    found = encoder.transactions(
        payments.records,
        payments.words.ids,
        columns.amount_base_minor[chosen],
        columns.event_ms[chosen],
        bodies[chosen],
    )
    if len(chosen) == len(items):
        return found.tobytes()
    rows = np.empty(len(items), found.dtype)
    rows[chosen] = found
    for i in np.flatnonzero(columns.kind != KIND_TRANSACTION).tolist():
        rows[i] = np.frombuffer(_row(items[i].record, int(bodies[i]), encoder), rows.dtype)[0]
    return rows.tobytes()


def _row(record: InputRecord, body: int, encoder: RowEncoder) -> bytes:
    if isinstance(record, Label):
        return encoder.label(record, body)
    assert isinstance(record, Activity)
    return encoder.activity(record, body)


@dataclass(frozen=True, slots=True)
class End:
    """An index that an entity's timeline of ``epoch`` must reach."""

    entity: str
    entity_id: str
    epoch: int
    index: int


def entity_ends(
    feature_set: FeatureSet, encoder: RowEncoder, record: InputRecord, versions: Sequence[int], epoch: int
) -> list[End]:
    """What a captured record says of its entities' timelines."""
    ids = encoder.entity_ids(record)
    return [
        End(entity.name, entity_id, epoch, index)
        for entity, entity_id, index in zip(feature_set.entities, ids, versions, strict=True)
        if entity_id is not None and index >= 0
    ]
