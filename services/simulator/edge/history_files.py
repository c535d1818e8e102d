"""Writes the past as Parquet files, one row group per day and file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow.parquet as pq

from services.simulator.core.history import Past
from services.simulator.core.tables import ACTIVITIES, LABELS, TRANSACTIONS, Tables

TRANSACTIONS_FILE: Final = "transactions.parquet"
LABELS_FILE: Final = "labels.parquet"
ACTIVITIES_FILE: Final = "activities.parquet"
FILES: Final = {TRANSACTIONS_FILE: TRANSACTIONS, LABELS_FILE: LABELS, ACTIVITIES_FILE: ACTIVITIES}


class Written(NamedTuple):
    """Rows in the three files."""

    transactions: int
    labels: int
    activities: int


def write_history(
    tables: Tables, days: Iterable[Past], folder: Path, written: Callable[[int], None] = lambda day: None
) -> Written:
    """Write the files into ``folder``, whole or not at all; ``written`` hears of each day. Raises OSError.

    Equal worlds give equal bytes under one version of the file library.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = {name: folder / f".{name}.partial" for name in FILES}
    rows = dict.fromkeys(FILES, 0)
    with ExitStack() as files:
        writers = {
            name: files.enter_context(pq.ParquetWriter(partial[name], schema, compression="zstd"))
            for name, schema in FILES.items()
        }
        for day in days:
            made = {
                TRANSACTIONS_FILE: tables.transactions(day),
                LABELS_FILE: tables.labels(day),
                ACTIVITIES_FILE: tables.activities(day),
            }
            for name, table in made.items():
                writers[name].write_table(table)
                rows[name] += len(table)
            written(day.day)
    for name, path in partial.items():
        path.replace(folder / name)
    return Written(*rows.values())
