"""The second published schema beside the repository (never in it): cards, merchants, categories, places."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

FOLDER: Final = Path(__file__).parents[3] / "shared" / "data" / "sparkov_world_a"
PAYMENTS: Final = FOLDER / "transactions.parquet"
CARDS: Final = FOLDER / "cards.parquet"


def absence() -> str:
    """Why the data cannot be used, for people; "" when all of them are there."""
    missing = [path for path in (PAYMENTS, CARDS) if not path.is_file()]
    return (
        f"the second schema's data are not beside the repository: there is no {missing[0]}" if missing else ""
    )


def counts() -> tuple[int, int]:
    """Rows and frauds of the file of payments."""
    marks = pl.read_parquet(PAYMENTS, columns=["is_fraud"])["is_fraud"]
    return len(marks), int(marks.sum())
