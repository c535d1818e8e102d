"""What captures hold of decisions: read to be compared with, by the last step alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np
import polars as pl
import pyarrow.compute as pc
from numpy.typing import NDArray

from services.replayer.core.comparing import Captured
from shared.contracts.capture import KIND_TRANSACTION
from shared.contracts.decisions import STATE_QUALITIES
from shared.stores.lake_log import PLACE, of_days, place
from shared.stores.lake_scan import LakeScan

_UNDER: Final = [PLACE, "epoch", "state_quality", "release_seq"]
_COLUMNS: Final = ["input_partition", "input_offset", *_UNDER[1:], "partition", "offset", "row"]
_VALUES: Final = ["vector", "raw", "score", "action", "core_hash"]


def read_captured(
    scan: LakeScan, portfolio: str, days: Sequence[date], decided: pl.DataFrame, features: int
) -> Captured:
    """The captures of n ``decided``, made under the same release, epoch and quality. Raises LakeAway."""
    where = (
        of_days(days)
        & (pc.field("kind") == KIND_TRANSACTION)
        & (pc.field("features") == features)
        & pc.field("vector").is_valid()
    )
    rows = scan.rows("captures", portfolio, columns=[*_COLUMNS, *_VALUES], where=where)
    rows = rows.with_columns(place(KIND_TRANSACTION, "input_partition", "input_offset"))
    if rows[PLACE].n_unique() < rows.height:
        rows = rows.sort("partition", "offset", "row").unique(_UNDER, keep="first", maintain_order=True)
    rows = rows.select(*_UNDER, *_VALUES)
    codes = {name: code for code, name in enumerate(STATE_QUALITIES)}
    wanted = decided.select(
        PLACE,
        "epoch",
        pl.col("state_quality").replace_strict(codes, return_dtype=rows.schema["state_quality"]),
        "release_seq",
    )
    found = wanted.join(rows, on=_UNDER, how="left", maintain_order="left")
    is_there = found["vector"].is_not_null().to_numpy()
    vectors = np.full((len(found), features), np.nan)
    vectors[is_there] = found["vector"].drop_nulls().explode().to_numpy().reshape(-1, features)
    cores = np.zeros((len(found), 16), np.uint8)
    hashes = found["core_hash"].drop_nulls().to_list()
    cores[found["core_hash"].is_not_null().to_numpy()] = np.frombuffer(b"".join(hashes), np.uint8).reshape(
        -1, 16
    )
    return Captured(
        is_there=is_there,
        vectors=vectors,
        raw=_lanes(found["raw"]),
        score=_lanes(found["score"]),
        actions=found["action"].fill_null(-1).cast(pl.Int64).to_numpy(),
        cores=cores,
    )


def _lanes(lists: pl.Series) -> NDArray[np.float64]:
    """n lists as (n, most), NaN behind their ends."""
    most = int(lists.list.len().max() or 0)  # type: ignore[arg-type]  # a column of lengths
    made = np.full((len(lists), most), np.nan)
    for lane in range(most):
        column = lists.list.get(lane, null_on_oob=True)
        made[:, lane] = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return made
