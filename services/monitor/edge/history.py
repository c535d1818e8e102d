"""What the monitor's own tables say about the last minutes."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from services.monitor.core.readings import (
    MINUTE_MS,
    USUAL_OVER_MINUTES,
    Caller,
    Lately,
    usual_per_minute,
)
from services.monitor.core.windows import WindowRow
from shared.stores.database import Database
from shared.stores.monitor_tables import CALLERS, DEAD_LETTERS, DECISIONS, DRIFT, TIMES

LATELY_MINUTES: Final = 5
TIMES_MINUTES: Final = 2
BEFORE_MINUTES: Final = 60
DAY_MINUTES: Final = 1_440
CHANGED_MS: Final = 120_000
"""A caller whose last decision is older has the usual rate that it had."""


class History:
    """Reads, and keeps the callers' usual rates. Blocking. Every method raises DatabaseAway."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lately(self, now_ms: int) -> Lately:
        """Everything that rules are judged by, in one view; windows end with the minute of ``now_ms``."""
        start = _minutes_back(now_ms, LATELY_MINUTES)
        with self._database.reading() as sql:
            return Lately(
                actions=_sums(sql, (DECISIONS.c.action,), DECISIONS, start),
                actions_before=_sums(
                    sql, (DECISIONS.c.action,), _BY_MODEL, start - BEFORE_MINUTES * MINUTE_MS, start
                ),
                dead_letters=_sums(sql, _REFUSED, DEAD_LETTERS, start),
                refused_before=frozenset(
                    _sums(sql, _REFUSED, DEAD_LETTERS, start - DAY_MINUTES * MINUTE_MS, start)
                ),
                times=_sums(sql, (TIMES.c.bin,), _END_TO_END, _minutes_back(now_ms, TIMES_MINUTES)),
                callers=[Caller(*row) for row in sql.execute(CALLERS.select().order_by(CALLERS.c.caller))],
            )

    def windows(self, after_ms: int) -> list[WindowRow]:
        """Drift windows that start after ``after_ms``, oldest first."""
        chosen = DRIFT.select().where(DRIFT.c.window_ms > after_ms)
        with self._database.reading() as sql:
            rows = sql.execute(chosen.order_by(DRIFT.c.window_ms, DRIFT.c.model, DRIFT.c.subject))
            return [WindowRow(**row) for row in rows.mappings()]

    def keep_usual(self, now_ms: int) -> None:
        """Write the usual rate of every caller that paid lately."""
        with self._database.writing() as sql:
            # In the order in which the counts are written, so that two writers cannot wait for each other.
            lately = CALLERS.select().where(CALLERS.c.last_ms >= now_ms - CHANGED_MS)
            changed = sql.execute(lately.order_by(CALLERS.c.caller)).all()
            for row in changed:
                payments = sql.scalar(_payments(row.caller, row.last_ms))
                usual = usual_per_minute(int(payments or 0), row.first_ms, row.last_ms)
                mine = CALLERS.c.caller == row.caller
                sql.execute(CALLERS.update().where(mine).values(usual_per_minute=usual))


_REFUSED: Final = (DEAD_LETTERS.c.topic, DEAD_LETTERS.c.reason)
_BY_MODEL: Final = sa.select(DECISIONS).where(DECISIONS.c.model != "").subquery()
_END_TO_END: Final = sa.select(TIMES).where(TIMES.c.stage == "end_to_end").subquery()


def _minutes_back(now_ms: int, minutes: int) -> int:
    """The start of the first of ``minutes`` minutes, the last of which is that of ``now_ms``."""
    return now_ms - now_ms % MINUTE_MS - (minutes - 1) * MINUTE_MS


def _sums(
    sql: Connection, keys: tuple[Any, ...], table: sa.FromClause, from_ms: int, to_ms: int | None = None
) -> dict[Any, int]:
    """Counts of minutes from ``from_ms`` on, before ``to_ms``, by ``keys``: by their tuple if there are
    two."""
    minute = table.c.minute_ms
    by = [table.c[key.name] for key in keys]
    chosen = sa.select(*by, sa.func.sum(table.c.count)).where(minute >= from_ms).group_by(*by)
    if to_ms is not None:
        chosen = chosen.where(minute < to_ms)
    rows = sql.execute(chosen).all()
    return {(row[0] if len(keys) == 1 else tuple(row[:-1])): int(row[-1]) for row in rows}


def _payments(caller: str, last_ms: int) -> sa.Select[Any]:
    """Decisions of ``caller`` in the hour that ends with its last."""
    minute = DECISIONS.c.minute_ms
    since = last_ms - last_ms % MINUTE_MS - (USUAL_OVER_MINUTES - 1) * MINUTE_MS
    return sa.select(sa.func.sum(DECISIONS.c.count)).where(DECISIONS.c.caller == caller, minute >= since)
