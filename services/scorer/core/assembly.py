"""From items to one state call: their rows, and a claim on the timelines that they touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.contracts.ids import KIND_TRANSACTION, input_hash
from shared.contracts.payments import Activity, Label, Transaction
from shared.features.compiled import FeatureSet
from shared.features.rows import RowEncoder
from shared.features.timelines import Claim, Timelines

from .columns import Columns, columns_of
from .intake import InputRecord, Item


@dataclass(slots=True)
class Assembly:
    """A micro-batch of n items ready for the store.

    ``hashes`` (n, 16) of the inputs; ``rows``, n layout rows end to end; the claim.
    """

    columns: Columns
    hashes: NDArray[np.uint8]
    rows: bytes
    claim: Claim

    def body(self) -> bytes:
        """The rows in call order: for each claimed timeline its records, in the items' order."""
        words = np.frombuffer(self.rows, np.int64).reshape(len(self.hashes), -1)
        return words[self.claim.order].tobytes()


def assemble(items: Sequence[Item], encoder: RowEncoder, timelines: Timelines) -> Assembly:
    """Rows and claim of ``items``, at least one. A late payment reads its timelines and joins none."""
    columns = columns_of(items)
    digests = b"".join([input_hash(item.raw) for item in items])
    hashes = np.frombuffer(digests, np.uint8).reshape(len(items), -1)
    entity_ids = encoder.entity_ids
    ids = [entity_ids(item.record) for item in items]
    kept = None
    if any([item.flags for item in items]):  # noqa: C419  # a list is faster here, and nearly all are empty
        kept = np.array(["late" not in item.flags for item in items])
    return Assembly(columns, hashes, _rows(items, columns, hashes, encoder), timelines.claim(ids, kept))


def _rows(items: Sequence[Item], columns: Columns, hashes: NDArray[np.uint8], encoder: RowEncoder) -> bytes:
    """Layout rows; a row's body check is the low 32 bits of the input hash."""
    bodies = np.ascontiguousarray(hashes[:, :4]).view("<u4").ravel()
    payments = [item.record for item in items if item.kind == KIND_TRANSACTION]
    if len(payments) == len(items):
        return encoder.transactions(payments, columns.amount_base_minor, columns.event_ms, bodies)  # type: ignore[arg-type]  # by their kind
    return b"".join([_row(item, body, encoder) for item, body in zip(items, bodies.tolist(), strict=True)])


def _row(item: Item, body: int, encoder: RowEncoder) -> bytes:
    record: InputRecord = item.record
    if isinstance(record, Transaction):
        return encoder.transaction(record, item.amount_base_minor, item.event_ms, body)
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
