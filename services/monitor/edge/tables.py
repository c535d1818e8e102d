"""What was counted, into the tables: counts and offsets in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.monitor.core.counting import Counts, Key, Rows
from services.monitor.core.windows import WindowRow
from shared.contracts.places import Place
from shared.stores.database import Database
from shared.stores.monitor_tables import (
    CALLERS,
    DEAD_LETTERS,
    DECISIONS,
    DRIFT,
    LABELS,
    PROGRESS,
    REASONS,
    SCORES,
    TIMES,
)

AT_BEFORE_WRITE: Final = "monitor.before_write"
AT_BEFORE_OFFSETS: Final = "monitor.before_offsets"
AT_BEFORE_COMMIT: Final = "monitor.before_commit"
AT_BEFORE_WINDOW: Final = "monitor.before_window"
AT_AFTER_COMMIT: Final = "monitor.after_commit"

BY_MINUTE: Final = (DECISIONS, REASONS, SCORES, TIMES, LABELS, DEAD_LETTERS)

Row = dict[str, Any]


class MonitorTables:
    """The only writer of the monitor's tables. Blocking; each call is one transaction.

    Every method raises DatabaseAway; nothing of the call stands then.
    """

    def __init__(self, database: Database, reach: Callable[[str], None]) -> None:
        self._database = database
        self._reach = reach

    def positions(self, places: Iterable[Place]) -> dict[Place, int | None]:
        """The next offset of each place; None: nothing of it was ever counted."""
        with self._database.reading() as sql:
            return _positions(sql, places)

    def callers(self) -> set[str]:
        """Who is counted by name."""
        with self._database.reading() as sql:
            return set(sql.scalars(sa.select(CALLERS.c.caller)))

    def write(self, counts: Counts) -> None:
        """Add ``counts`` and move on to their offsets; counts that stand already stay as they are."""
        self._reach(AT_BEFORE_WRITE)
        with self._database.writing() as sql:
            # A server that is lost while it commits leaves both the counts and an error, so they come again.
            if _positions(sql, counts.ends) == counts.ends:
                return
            for table, rows in _added(counts):
                if rows:
                    sql.execute(adding(sql.dialect.name, table), _rows(table, rows))
            if counts.callers:
                sql.execute(_seeing(sql.dialect.name), _callers(counts))
            self._reach(AT_BEFORE_OFFSETS)
            sql.execute(replacing(sql.dialect.name, PROGRESS), _progress(counts.ends))
            self._reach(AT_BEFORE_COMMIT)
        self._reach(AT_AFTER_COMMIT)

    def write_window(self, rows: Sequence[WindowRow], ends: Mapping[Place, int]) -> None:
        """Write a drift window and move on to ``ends``; a row that stands already stays as it is."""
        self._reach(AT_BEFORE_WINDOW)
        with self._database.writing() as sql:
            if rows:
                kept = _insert(sql.dialect.name, DRIFT).on_conflict_do_nothing()
                sql.execute(kept, [row._asdict() for row in rows])
            if ends:
                sql.execute(replacing(sql.dialect.name, PROGRESS), _progress(ends))

    def forget(self, before_ms: int) -> int:
        """Drop the minutes and windows before ``before_ms``, and callers not seen since; how many rows.

        The place of such a caller is free after the next start.
        """
        dropped = 0
        with self._database.writing() as sql:
            for table in BY_MINUTE:
                dropped += sql.execute(table.delete().where(table.c.minute_ms < before_ms)).rowcount
            dropped += sql.execute(DRIFT.delete().where(DRIFT.c.window_ms < before_ms)).rowcount
            dropped += sql.execute(CALLERS.delete().where(CALLERS.c.last_ms < before_ms)).rowcount
        return dropped


def _positions(sql: sa.Connection, places: Iterable[Place]) -> dict[Place, int | None]:
    rows = sql.execute(PROGRESS.select()).all()
    found = {Place(row.topic, row.partition): row.next_offset for row in rows}
    return {place: found.get(place) for place in places}


def adding(dialect: str, table: sa.Table) -> Any:
    """A row that is there grows by the new one's numbers."""
    found = _insert(dialect, table)
    return _update(table, found, {c.name: c + found.excluded[c.name] for c in _numbers(table)})


def replacing(dialect: str, table: sa.Table) -> Any:
    """A row that is there gives way to the new one."""
    found = _insert(dialect, table)
    return _update(table, found, {c.name: found.excluded[c.name] for c in _numbers(table)})


def _seeing(dialect: str) -> Any:
    found = _insert(dialect, CALLERS)
    new, old = found.excluded, CALLERS.c
    seen = {
        "first_ms": sa.case((new.first_ms < old.first_ms, new.first_ms), else_=old.first_ms),
        "last_ms": sa.case((new.last_ms > old.last_ms, new.last_ms), else_=old.last_ms),
    }
    return _update(CALLERS, found, seen)


def _update(table: sa.Table, found: Any, values: Mapping[str, Any]) -> Any:
    return found.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)


def _insert(dialect: str, table: sa.Table) -> Any:
    # Both have the same sentence, and SQLAlchemy has it per dialect only.
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def _numbers(table: sa.Table) -> list[sa.Column[Any]]:
    return [column for column in table.columns if not column.primary_key]


def _added(counts: Counts) -> list[tuple[sa.Table, Rows]]:
    rows = (
        counts.decisions,
        counts.reasons,
        counts.scores,
        counts.times,
        counts.labels,
        counts.dead_letters,
    )
    return list(zip(BY_MINUTE, rows, strict=True))


def _rows(table: sa.Table, rows: Rows) -> list[Row]:
    """Rows to bind. Keys that are equal once they fit the columns are one row."""
    fitting: Rows = {}
    for key, amounts in rows.items():
        fits = _fit(table, key)
        fitting[fits] = [a + b for a, b in zip(fitting.get(fits, [0] * len(amounts)), amounts, strict=True)]
    names = [column.name for column in table.columns]
    # In one order always: two writers that meet wait for each other and do not lock up.
    return [dict(zip(names, (*key, *fitting[key]), strict=True)) for key in sorted(fitting, key=repr)]


def _fit(table: sa.Table, key: Key) -> Key:
    columns = list(table.primary_key)
    return tuple(fit(column, part) for column, part in zip(columns, key, strict=True))


def fit(column: sa.Column[Any], value: str | int) -> str | int:
    """``value`` as the column takes it: what others wrote is cut to its length, and no text holds a NUL."""
    if isinstance(value, str) and isinstance(column.type, sa.String):
        return value.replace("\0", "\ufffd")[: column.type.length]
    return value


def _callers(counts: Counts) -> list[Row]:
    column = CALLERS.c.caller
    seen = [(fit(column, name), s.first_ms, s.last_ms) for name, s in sorted(counts.callers.items())]
    names = [c.name for c in CALLERS.columns]
    return [dict(zip(names, (*row, 0.0), strict=True)) for row in seen]


def _progress(ends: Mapping[Place, int]) -> list[Row]:
    return [
        {"topic": place.topic, "partition": place.partition, "next_offset": end}
        for place, end in sorted(ends.items())
    ]
