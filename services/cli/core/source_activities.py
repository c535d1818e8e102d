"""Activities of a file of their own: columns named as an activity's fields, handed out as they are due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl

from shared.contracts.payments import Activity
from shared.features.mapping import TEXT_PREFIX, ColumnMap, Source

from .source_rows import ACTIVITY, Refused, read_rows, sendable

TIME: Final = "event_time"
EMPTY: Final = pl.DataFrame(schema={"time_ms": pl.Int64, "key": pl.Binary, "value": pl.Binary})

_READ: Final = frozenset(Activity.__struct_fields__) - {"v", "texts"}


def activity_source(columns: Sequence[str]) -> Source:
    """The mapping of a file with these columns; the time also without ``_ms``, ``texts.NAME`` a text each."""
    names = [name for name in columns if name in _READ or name.startswith(TEXT_PREFIX)]
    fields = {name: ColumnMap(column=name) for name in names}
    if TIME in columns:
        fields["event_time_ms"] = ColumnMap(column=TIME)
    return Source(fields=fields)


def lacking(source: Source) -> list[str]:
    """Fields that every activity has and the mapping does not."""
    return [name for name in ACTIVITY.required if name not in source.fields]


def unread(source: Source, columns: Sequence[str]) -> list[str]:
    """Columns that no field of an activity takes: perhaps a misspelt one."""
    read = {mapping.column for mapping in source.fields.values()}
    return [name for name in columns if name not in read]


class ActivityQueue:
    """Activities in event order from tables in event order; no more is read than what is due needs."""

    def __init__(self, source: Source, batches: Iterator[pl.DataFrame]) -> None:
        self._source = source
        self._batches = batches
        self._waiting = EMPTY
        self.refused: list[Refused] = []

    def has(self, until_ms: int, rows: int) -> bool:
        """Whether at least ``rows`` activities at ``until_ms`` or before are left."""
        while self._waiting.height < rows and self._may_follow(until_ms):
            batch = next(self._batches, None)
            if batch is None:
                break
            read = read_rows(ACTIVITY, self._source, batch)
            self.refused += read.refused
            self._waiting = pl.concat([self._waiting, sendable(read.table)])
        return self._due(until_ms) >= rows

    def take(self, until_ms: int, most: int) -> pl.DataFrame:
        """The next activities at ``until_ms`` or before, at most ``most``: time_ms, key, value."""
        self.has(until_ms, most)
        count = min(self._due(until_ms), most)
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    def _may_follow(self, until_ms: int) -> bool:
        return not self._waiting.height or int(self._waiting["time_ms"][-1]) <= until_ms

    def _due(self, until_ms: int) -> int:
        return int(self._waiting["time_ms"].search_sorted(until_ms, side="right"))
