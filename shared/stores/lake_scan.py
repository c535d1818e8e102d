"""Rows of lake tables as they stand at one version, with pruning by day and by key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from shared.contracts.ids import decision_id

from .lake import Lake
from .lake_tables import TableCard, table_card

Watermark = dict[str, int]
"""Next offset per ``topic/partition``: names a data set for ever, since rows are only added behind it."""


class Range(NamedTuple):
    """Event times from ``from_ms`` up to, not including, ``to_ms``; None is open."""

    from_ms: int | None = None
    to_ms: int | None = None


EVERYTHING = Range()


def day_of(at_ms: int) -> date:
    """The UTC day of a moment."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).date()


class LakeScan:
    """Opens tables for reading. Every call reads the newest version; a missing table has no rows.

    ``pinned``: each table stays at the version of its first reading, and is opened once.
    """

    def __init__(
        self, root: str | Path, storage_options: dict[str, str] | None = None, *, pinned: bool = False
    ) -> None:
        self._lake = Lake(root, storage_options)
        self._options = storage_options
        self._pinned: dict[str, tuple[DeltaTable, Any]] | None = {} if pinned else None

    def version(self, table: str) -> int | None:
        """The table's version, None before its first row. Versions are kept for a day; see `watermark`."""
        handle = self._handle(table_card(table))
        return None if handle is None else int(handle.version())

    def watermark(self, table: str, portfolio: str) -> Watermark:
        """The offset after the last row of each topic partition."""
        rows = self.rows(table, portfolio, columns=["topic", "partition", "offset"])
        ends = rows.group_by("topic", "partition").agg(pl.col("offset").max() + 1).sort("topic", "partition")
        return {f"{topic}/{partition}": end for topic, partition, end in ends.iter_rows()}

    def rows(
        self,
        table: str,
        portfolio: str,
        *,
        columns: Sequence[str] | None = None,
        times: Range = EVERYTHING,
        where: pc.Expression | None = None,
        at: Watermark | None = None,
    ) -> pl.DataFrame:
        """Good rows of ``table`` with ``columns`` (all if None), as they came: duplicates included.

        ``times`` bounds the event time, ``where`` is any further condition, ``at`` leaves out rows that
        were added later. Raises LakeAway.
        """
        found = self._arrow(table, columns, _condition(table_card(table), portfolio, times, where, at))
        frame = pl.from_arrow(found)
        assert isinstance(frame, pl.DataFrame)
        return frame

    def find(self, table: str, portfolio: str, own_id: str, day: date | None = None) -> pl.DataFrame:
        """The rows found by ``own_id`` in the card's look-up column; ``day`` makes it faster still."""
        where = pc.field(table_card(table).look_up) == own_id
        return self.rows(table, portfolio, where=_placed([own_id], day) & where)

    def find_decisions(self, portfolio: str, tx_id: str, day: date | None = None) -> pl.DataFrame:
        """The decisions of a payment, which are found by their own id: it follows from ``tx_id``.

        Rows of a lake that was begun when they were found by ``tx_id`` are found as well.
        """
        where = _placed([decision_id(portfolio, tx_id), tx_id], day) & (pc.field("tx_id") == tx_id)
        return self.rows("decisions", portfolio, where=where)

    def find_each(self, table: str, portfolio: str, own_ids: Sequence[str]) -> pl.DataFrame:
        """The rows found by any of ``own_ids`` in the card's look-up column, in no order."""
        card = table_card(table)
        hashes = sorted({crc32(own_id.encode()) for own_id in own_ids})
        where = pc.field("key_hash").isin(hashes) & pc.field(card.look_up).isin(list(own_ids))
        return self.rows(table, portfolio, where=where)

    def refused(self, table: str, portfolio: str) -> pl.DataFrame:
        """Rows whose bytes were no valid record: coordinates, reason and bytes."""
        where = (pc.field("portfolio") == portfolio) & pc.field("refused_reason").is_valid()
        names = ["topic", "partition", "offset", "ingest_time_ms", "refused_reason", "raw_bytes"]
        frame = pl.from_arrow(self._arrow(table, names, where))
        assert isinstance(frame, pl.DataFrame)
        return frame

    def days(self, table: str, portfolio: str) -> list[date]:
        """The event days that have files, in order."""
        files = self._files(table, portfolio)
        return [] if files is None else sorted(set(files["partition.event_day"].to_pylist()))

    def rows_by_day(self, table: str, portfolio: str) -> dict[date, int]:
        """How many rows the files of each event day say they hold, refused ones and duplicates included."""
        files = self._files(table, portfolio)
        if files is None:
            return {}
        counted = (
            files.group_by("partition.event_day")
            .aggregate([("num_records", "sum")])
            .sort_by("partition.event_day")
        )
        return dict(
            zip(
                counted["partition.event_day"].to_pylist(),
                counted["num_records_sum"].to_pylist(),
                strict=True,
            )
        )

    def _files(self, table: str, portfolio: str) -> pa.Table | None:
        handle = self._handle(table_card(table))
        if handle is None:
            return None
        found = pa.table(handle.get_add_actions(flatten=True))
        return found.filter(pc.equal(found["partition.portfolio"], portfolio))

    def _arrow(self, table: str, columns: Sequence[str] | None, where: pc.Expression) -> pa.Table:
        card = table_card(table)
        names = list(columns) if columns is not None else card.columns.names
        dataset = self._dataset(card)
        if dataset is None:
            return card.columns.empty_table().select(names)
        return dataset.to_table(columns=names, filter=where)

    def _dataset(self, card: TableCard) -> Any:
        """What pyarrow reads the table by, None where it is not there."""
        if self._pinned is not None and card.name in self._pinned:
            return self._pinned[card.name][1]
        handle = self._handle(card)
        return None if handle is None else self._pin(card, handle)

    def _pin(self, card: TableCard, handle: DeltaTable) -> Any:
        dataset = handle.to_pyarrow_dataset(schema=card.columns)
        if self._pinned is not None:
            self._pinned[card.name] = (handle, dataset)
        return dataset

    def _handle(self, card: TableCard) -> DeltaTable | None:
        if self._pinned is not None and card.name in self._pinned:
            return self._pinned[card.name][0]
        return self._lake.handle(card) if self._lake.exists(card) else None


def _placed(own_ids: Sequence[str], day: date | None) -> pc.Expression:
    """What leaves out all files and groups of rows but those that may hold one of ``own_ids``."""
    placed = pc.scalar(False)
    for own_id in own_ids:
        placed = placed | (pc.field("key_hash") == crc32(own_id.encode()))
    return placed if day is None else placed & (pc.field("event_day") == pa.scalar(day))


def _condition(
    card: TableCard, portfolio: str, times: Range, where: pc.Expression | None, at: Watermark | None
) -> pc.Expression:
    condition = (pc.field("portfolio") == portfolio) & pc.field("refused_reason").is_null()
    if times.from_ms is not None:
        condition = condition & (pc.field("event_day") >= pa.scalar(day_of(times.from_ms)))
        condition = condition & (pc.field(card.event_time) >= times.from_ms)
    if times.to_ms is not None:
        condition = condition & (pc.field("event_day") <= pa.scalar(day_of(times.to_ms)))
        condition = condition & (pc.field(card.event_time) < times.to_ms)
    if where is not None:
        condition = condition & where
    return condition if at is None else condition & _before(at)


def _before(at: Watermark) -> pc.Expression:
    before = pc.scalar(False)
    for source, end in at.items():
        topic, _, partition = source.rpartition("/")
        here = (pc.field("topic") == topic) & (pc.field("partition") == int(partition))
        before = before | (here & (pc.field("offset") < end))
    return before
