"""Writes the past as Parquet files, one row group per day."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow.parquet as pq

from services.simulator.core.history import Past
from services.simulator.core.tables import LABELS, TRANSACTIONS, Tables

TRANSACTIONS_FILE: Final = "transactions.parquet"
LABELS_FILE: Final = "labels.parquet"


class Written(NamedTuple):
    """Rows in the two files."""

    transactions: int
    labels: int


def write_history(tables: Tables, days: Iterable[Past], folder: Path) -> Written:
    """Write both files into ``folder``, whole or not at all. Raises OSError.

    Equal worlds give equal bytes under one version of the file library.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = {name: folder / f".{name}.partial" for name in (TRANSACTIONS_FILE, LABELS_FILE)}
    payments = labels = 0
    with (
        pq.ParquetWriter(partial[TRANSACTIONS_FILE], TRANSACTIONS, compression="zstd") as to_payments,
        pq.ParquetWriter(partial[LABELS_FILE], LABELS, compression="zstd") as to_labels,
    ):
        for day in days:
            table, truth = tables.transactions(day), tables.labels(day)
            to_payments.write_table(table)
            to_labels.write_table(truth)
            payments, labels = payments + len(table), labels + len(truth)
    for name, path in partial.items():
        path.replace(folder / name)
    return Written(payments, labels)
