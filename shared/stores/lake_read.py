"""The one reader of the lake: every sink's rule "keep the first" is applied here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.contracts.capture import KIND_TRANSACTION

from .lake_scan import EVERYTHING, LakeScan, Range, Watermark

_DECISION_ID: Final = re.compile(r"[0-9a-f]{32}").fullmatch
_PLACE: Final = ["partition", "offset"]
_CAPTURE_PLACE: Final = ["partition", "offset", "row"]
_WIDE: Final = [
    "id",
    "event_time_ms",
    "ingest_time_ms",
    "input_partition",
    "input_offset",
    "release_seq",
    "epoch",
    "state_quality",
    "action",
    "amount_base_minor",
]


class LakeReader:
    """Logical rows: one per decision, capture, prediction or label, whatever stands on the topics."""

    def __init__(self, root: str | Path, storage_options: dict[str, str] | None = None) -> None:
        self.scan = LakeScan(root, storage_options)

    def version(self, table: str) -> int | None:
        """The table's version; see `LakeScan.watermark` for a name of the data that lasts."""
        return self.scan.version(table)

    def transactions(
        self, portfolio: str, times: Range = EVERYTHING, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Payments, the first of each tx_id by (partition, offset)."""
        return self._first("transactions", portfolio, ["tx_id"], times, columns)

    def decisions(
        self,
        portfolio: str,
        times: Range = EVERYTHING,
        columns: Sequence[str] | None = None,
        at: Watermark | None = None,
    ) -> pl.DataFrame:
        """Decisions, the first of each tx_id by output (partition, offset)."""
        return self._first("decisions", portfolio, ["tx_id"], times, columns, at)

    def decision_by_tx(self, portfolio: str, tx_id: str, day: date | None = None) -> dict[str, Any] | None:
        """The decision of a payment, or None. ``day`` is its UTC event day, if known."""
        found = self.scan.find_decisions(portfolio, tx_id, day).sort(_PLACE)
        return found.row(0, named=True) if found.height else None

    def decision_copies(self, portfolio: str, any_id: str) -> pl.DataFrame:
        """Every row of the decision that ``any_id`` names, by tx_id or decision_id, in their order."""
        found = self.scan.find("decisions", portfolio, any_id) if _DECISION_ID(any_id) else None
        if found is None or not found.height:
            found = self.scan.find_decisions(portfolio, any_id)
        return found.sort(_PLACE)

    def transaction_by_tx(self, portfolio: str, tx_id: str, day: date | None = None) -> dict[str, Any] | None:
        """The payment itself, raw bytes included, or None."""
        found = self.scan.find("transactions", portfolio, tx_id, day).sort(_PLACE)
        return found.row(0, named=True) if found.height else None

    def transactions_by_tx(self, portfolio: str, tx_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Those of the payments that the lake has, each once, raw bytes included."""
        found = self.scan.find_each("transactions", portfolio, tx_ids).sort(_PLACE)
        return found.unique("tx_id", keep="first", maintain_order=True).to_dicts()

    def predictions(
        self, portfolio: str, times: Range = EVERYTHING, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Predictions, the first of each prediction_id by output (partition, offset)."""
        return self._first("predictions", portfolio, ["prediction_id"], times, columns)

    def captures(
        self,
        portfolio: str,
        times: Range = EVERYTHING,
        columns: Sequence[str] | None = None,
        at: Watermark | None = None,
        where: pc.Expression | None = None,
    ) -> pl.DataFrame:
        """Captures, the first of each (kind, id) by message (partition, offset, row)."""
        return self._first("captures", portfolio, ["kind", "id"], times, columns, at, where)

    def captures_wide(
        self,
        portfolio: str,
        names: Sequence[str],
        times: Range = EVERYTHING,
        *,
        feature_set: str | None = None,
        at: Watermark | None = None,
    ) -> pl.DataFrame:
        """One row per scored payment in order of event time, one float64 column per feature of ``names``.

        ``names`` (d,) are the feature set's, in its order; captures of another width are left out, and
        with ``feature_set`` those of releases that name another set. Besides the features: ``tx_id``,
        event and input ingest time, input coordinates, release, epoch, ``state_quality`` and ``action``
        codes, ``amount_base_minor``, champion's ``raw_score`` and ``score`` (null without a model).
        """
        where = (pc.field("kind") == KIND_TRANSACTION) & (pc.field("features") == len(names))
        where = where & pc.field("vector").is_valid()
        if feature_set is not None:
            where = where & pc.field("release_seq").isin(self.release_seqs(portfolio, feature_set))
        columns = [*_WIDE, "input_ingest_time_ms", "vector", "raw", "score"]
        rows = self.captures(portfolio, times, columns, at, where)
        rows = rows.drop("ingest_time_ms").rename({"id": "tx_id", "input_ingest_time_ms": "ingest_time_ms"})
        rows = rows.with_columns(
            raw_score=pl.col("raw").list.get(0, null_on_oob=True),
            score=pl.col("score").list.get(0, null_on_oob=True),
        )
        wide = pl.DataFrame(_matrix(rows["vector"], len(names)), schema=list(names), orient="row")
        return pl.concat([rows.drop("raw", "vector"), wide], how="horizontal").sort("event_time_ms", "tx_id")

    def release_seqs(self, portfolio: str, feature_set: str) -> list[int]:
        """The releases that decided with this feature set, as the decisions name them."""
        where = pc.field("feature_set") == feature_set
        found = self.scan.rows("decisions", portfolio, columns=["release_seq"], where=where)
        return found["release_seq"].unique().sort().to_list()

    def labels(
        self, portfolio: str, known_at_until: int | None = None, times: Range = EVERYTHING
    ) -> pl.DataFrame:
        """Label records known at ``known_at_until`` (ms, included), the first of each label_id."""
        where = None if known_at_until is None else pc.field("known_at_ms") <= known_at_until
        return self._first("labels", portfolio, ["label_id"], times, None, None, where)

    def labels_in_force(self, portfolio: str, known_at_until: int, times: Range = EVERYTHING) -> pl.DataFrame:
        """One row per tx_id: the label with the greatest known_at up to then, ties to the later record."""
        known = self.labels(portfolio, known_at_until, times)
        return known.sort("known_at_ms", *_PLACE).unique("tx_id", keep="last", maintain_order=True)

    def _first(
        self,
        table: str,
        portfolio: str,
        identity: Sequence[str],
        times: Range,
        columns: Sequence[str] | None,
        at: Watermark | None = None,
        where: pc.Expression | None = None,
    ) -> pl.DataFrame:
        place = _CAPTURE_PLACE if table == "captures" else _PLACE
        wanted = None if columns is None else list(dict.fromkeys([*columns, *identity, *place]))
        rows = self.scan.rows(table, portfolio, columns=wanted, times=times, where=where, at=at)
        first = rows.sort(place).unique(identity, keep="first", maintain_order=True)
        return first if columns is None else first.select(columns)


def _matrix(vectors: pl.Series, features: int) -> NDArray[np.float64]:
    """(n, d) of n lists of d numbers each."""
    return vectors.explode().to_numpy().reshape(len(vectors), features)
