"""Small files of a table merged into sorted ones, beside the appends, and unnamed files swept away.

Sizes are merged tier by tier, as in a log-structured tree, so that a row is rewritten a few times at most
however often it is looked at; a day that has gone quiet ends as few files as the target size allows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import accumulate
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.dataset as pa_ds
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, RemoveAction

from .lake_away import LakeAway
from .lake_files import open_files, write_rows
from .lake_tables import PARTITION_COLUMNS, TableCard

COMPACTION_ID: Final = "compaction"
"""Two merges of the same files would double rows, and the log lets both through; so each carries a number."""

_TIER_RATIO: Final = 4
_TIER_BASE_BYTES: Final = 1 << 16


class DataFile(NamedTuple):
    """A file of the table's newest version."""

    path: str
    size_bytes: int
    at_ms: int
    portfolio: str
    day: date


class CompactionLimits(NamedTuple):
    """``tier_files`` of like size are merged; files of ``full_bytes`` are left alone; a day is quiet
    ``quiet_ms`` after its last file; ``merge_bytes`` bounds what one merge reads."""

    tier_files: int = 8
    full_bytes: int = 16 << 20
    merge_bytes: int = 32 << 20
    quiet_ms: int = 120_000


def next_merge(files: Iterable[DataFile], now_ms: int, limits: CompactionLimits) -> list[DataFile]:
    """The files to merge next, all of one day; none if nothing is worth it. The widest merge comes first."""
    days: dict[tuple[str, date], list[DataFile]] = defaultdict(list)
    for file in files:
        days[file.portfolio, file.day].append(file)
    merges = [_merge_of_day(found, now_ms, limits) for found in days.values()]
    return max(merges, key=len, default=[])


def _merge_of_day(files: Sequence[DataFile], now_ms: int, limits: CompactionLimits) -> list[DataFile]:
    small = sorted((f for f in files if f.size_bytes < limits.full_bytes), key=lambda f: f.size_bytes)
    if len(small) > 1 and now_ms - max(f.at_ms for f in files) >= limits.quiet_ms:
        return _within(small, limits.merge_bytes)
    tiers: dict[int, list[DataFile]] = defaultdict(list)
    for file in small:
        tiers[_tier(file.size_bytes)].append(file)
    full = [found for found in tiers.values() if len(found) >= limits.tier_files]
    return _within(max(full, key=len, default=[]), limits.merge_bytes)


def _within(files: list[DataFile], limit_bytes: int) -> list[DataFile]:
    """The first of ``files`` that fit; none if that is fewer than two."""
    totals = list(accumulate(f.size_bytes for f in files))
    kept = [file for file, total in zip(files, totals, strict=True) if total <= limit_bytes]
    return kept if len(kept) > 1 else []


def _tier(size_bytes: int) -> int:
    tier = 0
    while size_bytes > _TIER_BASE_BYTES:
        size_bytes //= _TIER_RATIO
        tier += 1
    return tier


class Compactor:
    """Merges files of one table through a handle of its own; appends go on meanwhile."""

    def __init__(
        self,
        handle: DeltaTable,
        card: TableCard,
        storage_options: dict[str, str] | None = None,
        limits: CompactionLimits = CompactionLimits(),  # noqa: B008  # an immutable tuple
    ) -> None:
        self.card = card
        self._handle = handle
        self._limits = limits
        self._files = open_files(handle.table_uri.removeprefix("file://"), storage_options)

    def merge_once(self, now_ms: int) -> int:
        """Do the next merge; returns the number of files merged, 0 if there was none. Raises LakeAway."""
        try:
            self._handle.update_incremental()
            merge = next_merge(self._data_files(), now_ms, self._limits)
            return self._merge(merge, now_ms) if merge else 0
        except (DeltaError, OSError, pa.ArrowException) as error:
            raise LakeAway(f"{self.card.name}: {error}") from error

    def sweep(self, retention_hours: int) -> int:
        """Delete files that no version of the last hours names; returns how many. Raises LakeAway.

        What a killed process wrote but never committed goes with them.
        """
        try:
            self._handle.update_incremental()
            swept = self._handle.vacuum(retention_hours=retention_hours, dry_run=False, full=True)
        except (DeltaError, OSError) as error:
            raise LakeAway(f"{self.card.name}: {error}") from error
        return len(swept)

    def _data_files(self) -> list[DataFile]:
        found: list[dict[str, Any]] = pa.table(self._handle.get_add_actions(flatten=True)).to_pylist()
        return [
            DataFile(
                path=f["path"],
                size_bytes=f["size_bytes"],
                at_ms=f["modification_time"],
                portfolio=f["partition.portfolio"],
                day=f["partition.event_day"],
            )
            for f in found
        ]

    def _merge(self, merge: Sequence[DataFile], now_ms: int) -> int:
        added = write_rows(self._files, self._read(merge), now_ms, data_change=False)
        try:
            self._commit(added, merge, now_ms)
        except CommitFailedError:
            # Another compactor was first; the sweep finds our files, which no commit names.
            return 0
        return len(merge)

    def _read(self, merge: Sequence[DataFile]) -> pa.Table:
        own = pa.schema([f for f in self.card.columns if f.name not in PARTITION_COLUMNS])
        rows = pa_ds.dataset(
            [f.path for f in merge], schema=own, format="parquet", filesystem=self._files
        ).to_table(use_threads=False)
        n = rows.num_rows
        day = pa.repeat(pa.scalar(merge[0].day, pa.date32()), n)
        portfolio = pa.repeat(pa.scalar(merge[0].portfolio), n)
        return rows.append_column("event_day", day).append_column("portfolio", portfolio)

    def _commit(self, added: list[AddAction], merge: Sequence[DataFile], now_ms: int) -> None:
        removed = [
            RemoveAction(
                f.path,
                False,
                now_ms,
                f.size_bytes,
                {"portfolio": f.portfolio, "event_day": f.day.isoformat()},
            )
            for f in merge
        ]
        number = (self._handle.transaction_version(COMPACTION_ID) or 0) + 1
        self._handle.create_write_transaction(
            [*added, *removed],
            mode="append",
            schema=self.card.columns,
            partition_by=list(PARTITION_COLUMNS),
            commit_properties=CommitProperties(app_transactions=[Transaction(COMPACTION_ID, number)]),
        )
