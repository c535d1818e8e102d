"""Records through one worker's fold in the order in which they come: each payment's features, no stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.contracts.payments import Activity, Label, Transaction
from shared.features.compiled import FeatureSet
from shared.features.rows import RowEncoder
from shared.features.rowwise import Rowwise
from shared.features.timelines import Timelines

Floats = NDArray[np.float64]
Record = Transaction | Activity | Label

BATCH: Final = 512
KEY: Final = b"k" * 32
BUDGET_BYTES: Final = 1 << 30


def fold(feature_set: FeatureSet, records: Sequence[Record]) -> Floats:
    """The features (n, d) of the payments among the records, in their order."""
    timelines, encoder = Timelines(feature_set, BUDGET_BYTES), RowEncoder(feature_set, KEY)
    rowwise = Rowwise(feature_set)
    parts = []
    for begin in range(0, len(records), BATCH):
        batch = records[begin : begin + BATCH]
        rows = np.frombuffer(b"".join(_row(encoder, r) for r in batch), feature_set.layout.dtype)
        claim = timelines.claim([encoder.entity_ids(r) for r in batch])
        matrix = np.full((len(batch), len(feature_set.names)), np.nan)
        payments = [r if isinstance(r, Transaction) else None for r in batch]
        rowwise.fill(matrix, rows["t"].astype(np.int64), rows["a"].astype(np.int64), payments)
        timelines.fold(claim, rows, claim.known, b"", matrix)
        parts.append(matrix[[payment is not None for payment in payments]])
    return np.concatenate(parts)


def _row(encoder: RowEncoder, record: Record) -> bytes:
    if isinstance(record, Transaction):
        return encoder.transaction(record, record.amount_minor, record.event_time_ms, 0)
    return encoder.label(record, 0) if isinstance(record, Label) else encoder.activity(record, 0)
