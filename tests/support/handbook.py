"""The published handbook data beside the repository (never in it), and whether they are there."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

import polars as pl

FOLDER: Final = Path(__file__).parents[3] / "shared" / "data" / "handbook"
REFERENCE: Final = FOLDER / "reference_features_2018-07-25_2018-08-14.parquet"
MONTHS: Final = tuple(FOLDER / f"transactions_2018-{month:02}.parquet" for month in range(4, 9))
TIME: Final = "TX_DATETIME"


def absence() -> str:
    """Why the data cannot be used, for people; "" when all of them are there."""
    missing = [path for path in (*MONTHS, REFERENCE) if not path.is_file()]
    if not missing:
        return ""
    what = FOLDER if len(missing) == len(MONTHS) + 1 else missing[0]
    return f"the published data are not beside the repository: there is no {what}"


def payments(begin: datetime, end: datetime) -> pl.DataFrame:
    """The file's own columns of payments with ``begin <= time < end``, in order of time and id."""
    inside = (pl.col(TIME) >= begin) & (pl.col(TIME) < end)
    found = pl.concat([pl.scan_parquet(path) for path in MONTHS]).filter(inside).collect()
    return found.sort(TIME, "TRANSACTION_ID")
