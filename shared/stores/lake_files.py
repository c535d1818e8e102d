"""Data files of a lake table: Parquet written beside the log, named to it only by a commit."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pa_fs
import pyarrow.parquet as pq
from deltalake.fs import DeltaStorageHandler
from deltalake.transaction import AddAction

from .lake_tables import PARTITION_COLUMNS

ROWS_PER_GROUP: Final = 16_384
"""Small enough that one row is found by reading little, large enough to compress."""

_STATISTICS: Final = frozenset(("partition", "offset", "ingest_time_ms", "key_hash"))
"""Only columns that are never null: a reader of Delta tables through pyarrow takes the statistics of a file
in which a column is all null for a contradiction, and leaves the whole file out."""

_UNIQUE: Final = frozenset(
    """offset key_hash raw raw_bytes id tx_id label_id activity_id decision_id prediction_id input_hash
    vector_hash core_hash hash prev_hash score raw_score event_time_ms ingest_time_ms""".split()
)


def open_files(table_uri: str, storage_options: dict[str, str] | None) -> pa_fs.FileSystem:
    """A file system whose root is the table's folder: the local disk, or an object store by its URI."""
    if "://" not in table_uri:
        return pa_fs.SubTreeFileSystem(table_uri, pa_fs.LocalFileSystem())
    return pa_fs.PyFileSystem(DeltaStorageHandler(table_uri, storage_options))


def sort_rows(rows: pa.Table) -> pa.Table:
    """``rows`` by partition, then key hash, so that a file's row groups exclude each other."""
    keys = [(name, "ascending") for name in (*PARTITION_COLUMNS, "key_hash", "offset")]
    return rows.take(pc.sort_indices(rows, sort_keys=keys))


def write_rows(
    files: pa_fs.FileSystem, rows: pa.Table, at_ms: int, *, data_change: bool = True
) -> list[AddAction]:
    """One file per partition value of ``rows``; they are invisible until committed. Raises OSError."""
    written: list[AddAction] = []
    parts = [
        (_path(portfolio, day), portfolio, day, part) for portfolio, day, part in _split(sort_rows(rows))
    ]
    try:
        for path, portfolio, day, part in parts:
            written.append(_write_file(files, path, portfolio, day, part, at_ms, data_change))
    except (OSError, pa.ArrowException):
        remove_files(files, [path for path, *_ in parts])
        raise
    return written


def remove_files(files: pa_fs.FileSystem, paths: Sequence[str]) -> None:
    """Delete files that no commit names; one that cannot be deleted is left to the vacuum."""
    for path in paths:
        with contextlib.suppress(OSError):
            files.delete_file(path)


def _split(rows: pa.Table) -> Iterator[tuple[str, date, pa.Table]]:
    """Slices of equal partition values of sorted ``rows``."""
    places = rows.group_by(list(PARTITION_COLUMNS), use_threads=False).aggregate([([], "count_all")])
    rows = rows.combine_chunks()
    start = 0
    for place in places.to_pylist():
        count = place["count_all"]
        yield place["portfolio"], place["event_day"], rows.slice(start, count)
        start += count


def _path(portfolio: str, day: date) -> str:
    return f"portfolio={portfolio}/event_day={day.isoformat()}/{uuid4().hex}.parquet"


def _write_file(
    files: pa_fs.FileSystem,
    path: str,
    portfolio: str,
    day: date,
    rows: pa.Table,
    at_ms: int,
    data_change: bool,
) -> AddAction:
    files.create_dir(path.rpartition("/")[0], recursive=True)
    body = rows.drop_columns(list(PARTITION_COLUMNS))
    pq.write_table(
        body,
        path,
        filesystem=files,
        compression="zstd",
        row_group_size=ROWS_PER_GROUP,
        use_dictionary=[name for name in body.column_names if name not in _UNIQUE],
    )
    return AddAction(
        path=path,
        size=files.get_file_info(path).size,
        partition_values={"portfolio": portfolio, "event_day": day.isoformat()},
        modification_time=at_ms,
        data_change=data_change,
        stats=json.dumps(_statistics(body)),
    )


def statistics_columns(columns: pa.Schema) -> list[str]:
    """The columns of a table whose least and greatest value each commit names."""
    return [name for name in columns.names if name in _STATISTICS]


def _statistics(rows: pa.Table) -> dict[str, Any]:
    bounds = {name: pc.min_max(rows[name]).as_py() for name in statistics_columns(rows.schema)}
    return {
        "numRecords": rows.num_rows,
        "minValues": {name: found["min"] for name, found in bounds.items()},
        "maxValues": {name: found["max"] for name, found in bounds.items()},
        "nullCount": dict.fromkeys(bounds, 0),
    }
