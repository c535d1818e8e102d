"""Captures and labels from the lake, through its one reader, as the core wants them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.capture import KIND_TRANSACTION
from shared.contracts.decisions import STATE_QUALITIES
from shared.stores.lake_read import LakeReader
from shared.stores.lake_scan import Range

from ..core.candidate import Inputs
from ..core.dataset import Captured, KnownLabels

UNAVAILABLE = STATE_QUALITIES.index("unavailable")
"""Vectors made without entity state do not show what the payment's history was."""


def read_captured(lake: str, portfolio: str, inputs: Inputs, from_ms: int, to_ms: int) -> Captured:
    """Payments scored on these inputs in ``from_ms <= event time < to_ms``. Raises LakeAway."""
    reader, times = LakeReader(lake), Range(from_ms, to_ms)
    columns = ["id", "event_time_ms", "amount_base_minor", "vector"]
    rows = reader.captures(portfolio, times, columns, where=_scored_on(reader, portfolio, inputs))
    payments = reader.transactions(portfolio, times, ["tx_id", "account_id"])
    rows = rows.join(payments, left_on="id", right_on="tx_id", how="left", maintain_order="left")
    vectors = rows["vector"].explode().to_numpy().astype(np.float64)
    return Captured(
        tx_ids=_strings(rows["id"]),
        accounts=_strings(rows["account_id"].fill_null("")),
        event_ms=rows["event_time_ms"].to_numpy().astype(np.int64),
        amount_minor=rows["amount_base_minor"].to_numpy().astype(np.int64),
        matrix=vectors.reshape(rows.height, len(inputs.names)),
    )


def _scored_on(reader: LakeReader, portfolio: str, inputs: Inputs) -> pc.Expression:
    """Captured payments whose release named this feature set and whose state was there."""
    releases = reader.release_seqs(portfolio, inputs.feature_set)
    return (
        (pc.field("kind") == KIND_TRANSACTION)
        & (pc.field("features") == len(inputs.names))
        & pc.field("vector").is_valid()
        & pc.field("release_seq").isin(releases)
        & (pc.field("state_quality") != UNAVAILABLE)
    )


def read_labels(lake: str, portfolio: str, as_of_ms: int) -> KnownLabels:
    """Labels known at ``as_of_ms``, one in force per payment. Raises LakeAway."""
    rows = LakeReader(lake).labels_in_force(portfolio, as_of_ms)
    return KnownLabels(
        tx_ids=_strings(rows["tx_id"]),
        known_at_ms=rows["known_at_ms"].to_numpy().astype(np.int64),
        is_fraud=np.asarray((rows["verdict"] == "fraud").to_numpy(), dtype=np.bool_),
    )


def _strings(column: pl.Series) -> pa.Array:
    return column.cast(pl.String).to_arrow().cast(pa.string())
