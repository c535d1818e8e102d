"""The lake: Delta tables under one folder or object-store URI, one per row of the table of tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from deltalake import DeltaTable, Schema
from deltalake.exceptions import DeltaError

from .lake_away import LakeAway
from .lake_commit import LakeTable
from .lake_files import statistics_columns
from .lake_tables import PARTITION_COLUMNS, TableCard

TABLE_PROPERTIES: Final = {
    # Rows are only ever added; compaction rewrites files without changing data.
    "delta.appendOnly": "true",
    "delta.checkpointInterval": "100",
    # A log entry per flush: without an end the log's folder grows by tens of thousands of files a day.
    "delta.logRetentionDuration": "interval 1 days",
    "delta.deletedFileRetentionDuration": "interval 1 days",
}


STATISTICS_PROPERTY: Final = "delta.dataSkippingStatsColumns"
"""Readers prune by these columns alone. Without it some take a column that has no statistics for one whose
values are all out of range, and leave out rows."""


class Lake:
    """Opens tables, and makes those that are not there yet."""

    def __init__(self, root: str | Path, storage_options: dict[str, str] | None = None) -> None:
        """``root`` is a folder, or the URI of an object store with its ``storage_options``."""
        self._root = str(root).rstrip("/")
        self._options = storage_options

    def uri(self, card: TableCard) -> str:
        """Where the table stands."""
        if "://" in self._root:
            return f"{self._root}/{card.name}"
        return str(Path(self._root).absolute() / card.name)

    def handle(self, card: TableCard) -> DeltaTable:
        """The table at its newest version, made if it is not there. Raises LakeAway."""
        uri = self.uri(card)
        try:
            if "://" not in uri:
                Path(uri).mkdir(parents=True, exist_ok=True)
            if not DeltaTable.is_deltatable(uri, self._options):
                self._create(card, uri)
            return _with_new_columns(DeltaTable(uri, storage_options=self._options), card)
        except (DeltaError, OSError) as error:
            raise LakeAway(f"{uri}: {error}") from error

    def open(self, card: TableCard, reach: Callable[[str], None] = lambda _: None) -> LakeTable:
        """The table for appending; ``reach`` is told of each named place (fault tests). Raises LakeAway."""
        return LakeTable(self.handle(card), card, self._options, reach)

    def exists(self, card: TableCard) -> bool:
        """Whether the table has been made."""
        return bool(DeltaTable.is_deltatable(self.uri(card), self._options))

    def _create(self, card: TableCard, uri: str) -> None:
        pruned_by = ",".join(statistics_columns(card.columns))
        # "ignore": another process may be making the same table just now.
        DeltaTable.create(
            uri,
            schema=card.columns,
            mode="ignore",
            partition_by=list(PARTITION_COLUMNS),
            configuration={**TABLE_PROPERTIES, STATISTICS_PROPERTY: pruned_by},
            storage_options=self._options,
        )


def _with_new_columns(handle: DeltaTable, card: TableCard) -> DeltaTable:
    """A record may have gained fields since the table was made; older rows hold nulls there."""
    there = {field.name for field in handle.schema().fields}
    added = [field for field in Schema.from_arrow(card.columns).fields if field.name not in there]
    if added:
        handle.alter.add_columns(added)
        handle.update_incremental()
    return handle
