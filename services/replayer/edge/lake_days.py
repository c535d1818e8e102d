"""Some event days of the lake: what was logged, what was decided, and their bytes. No captured vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl
import pyarrow.compute as pc

from shared.contracts.capture import KIND_TRANSACTION
from shared.stores.lake_log import PLACE, captured_rows, of_days, once, place, raw_rows
from shared.stores.lake_scan import LakeScan, Range

DECIDED: Final = [
    "partition",
    "offset",
    "input_partition",
    "input_offset",
    "decision_id",
    "tx_id",
    "account_id",
    "event_time_ms",
    "amount_minor",
    "currency",
    "action",
    "reasons",
    "flags",
    "score",
    "raw_score",
    "threshold",
    "model",
    "portfolio",
    "release_seq",
    "release_hash",
    "feature_set",
    "layout",
    "state_quality",
    "epoch",
    "entity_versions",
    "input_hash",
    "vector_hash",
    "core_hash",
]


@dataclass(frozen=True, slots=True)
class DayRows:
    """``raws``: bytes by place, numbered by ``raw``; ``logged``: one line per record, body and epoch, and
    ``decided``: the decisions to verify, each with the number of its bytes, null where the lake has none."""

    raws: pl.DataFrame
    logged: pl.DataFrame
    decided: pl.DataFrame


def read_days(
    scan: LakeScan, portfolio: str, days: Sequence[date], times: Range, until_ms: int, entities: int
) -> DayRows:
    """The days' rows; decisions only of ``times``, the first of each payment, and none that was written to
    its topic after ``until_ms``. Raises LakeAway.
    """
    captured = captured_rows(scan, portfolio, days).filter(pl.col("entities") == entities)
    marks = captured.filter(pl.col("kind") == KIND_TRANSACTION).group_by(PLACE).agg(pl.col("mark_ms").max())
    logged = once(captured)
    decided = _decided(scan, portfolio, days, times, until_ms)
    raws = raw_rows(scan, portfolio, days, pl.concat([logged[PLACE], decided[PLACE]])).with_row_index("raw")
    numbers = raws.select(PLACE, pl.col("raw").cast(pl.Int64))
    return DayRows(
        raws=raws,
        logged=logged.with_columns(_at_place(logged, numbers)),
        decided=decided.with_columns(_at_place(decided, numbers), _at_place(decided, marks)),
    )


def _at_place(frame: pl.DataFrame, told: pl.DataFrame) -> pl.Series:
    """What ``told`` says beside `PLACE`, for each line of ``frame``; a join of all its columns copies all."""
    found = frame.select(PLACE).join(told, on=PLACE, how="left", maintain_order="left")
    return found[:, 1]


def bytes_at(scan: LakeScan, portfolio: str, days: Sequence[date], places: pl.Series) -> list[bytes]:
    """The original bytes at each `PLACE`, in their order; none where the lake has none. Raises LakeAway."""
    found = raw_rows(scan, portfolio, days, places).select(PLACE, "raw_bytes")
    return [raw or b"" for raw in _at_place(pl.DataFrame({PLACE: places}), found).to_list()]


def _decided(
    scan: LakeScan, portfolio: str, days: Sequence[date], times: Range, until_ms: int
) -> pl.DataFrame:
    of_day = of_days(days) & (pc.field("ingest_time_ms") <= until_ms)
    rows = scan.rows("decisions", portfolio, columns=DECIDED, times=times, where=of_day)
    if rows["tx_id"].n_unique() < rows.height:
        rows = rows.sort("partition", "offset").unique("tx_id", keep="first", maintain_order=True)
    return rows.drop("partition", "offset").with_columns(
        place(KIND_TRANSACTION, "input_partition", "input_offset")
    )
