"""From items to one state call: their rows, and a claim on the timelines that they touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shared.contracts.ids import input_hash
from shared.contracts.payments import Activity, Label, Transaction
from shared.features.compiled import FeatureSet
from shared.features.rows import RowEncoder
from shared.features.timelines import Claim, Timelines

from .intake import InputRecord, Item


@dataclass(slots=True)
class Assembly:
    """A micro-batch of n items ready for the store: input hashes and layout rows (n), and the claim."""

    hashes: list[bytes]
    rows: list[bytes]
    claim: Claim

    def body(self) -> bytes:
        """The rows in call order: for each claimed timeline its records, in the items' order."""
        rows = self.rows
        return b"".join([rows[i] for i in self.claim.order.tolist()])


def assemble(items: Sequence[Item], encoder: RowEncoder, timelines: Timelines) -> Assembly:
    """Rows and claim of ``items``, at least one. A late payment reads its timelines and joins none."""
    hashes = [input_hash(item.raw) for item in items]
    rows = [encode_row(item, hashed, encoder) for item, hashed in zip(items, hashes, strict=True)]
    entity_ids = encoder.entity_ids
    ids = [entity_ids(item.record) for item in items]
    kept = None
    if any(item.flags for item in items):
        kept = np.array(["late" not in item.flags for item in items])
    return Assembly(hashes, rows, timelines.claim(ids, kept))


def encode_row(item: Item, hashed: bytes, encoder: RowEncoder) -> bytes:
    """The layout row of one item; its body check is the low 32 bits of the input hash."""
    body = int.from_bytes(hashed[:4], "little")
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
