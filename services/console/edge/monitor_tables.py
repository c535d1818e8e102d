"""What the monitor counted, read from its tables. It alone writes them."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import URL, RowMapping, func, select

from services.console.core.counted import Counted, CountedMinute, TimedMinute
from shared.stores.database import Database
from shared.stores.monitor_tables import DEAD_LETTERS, DECISIONS, TIMES


class MonitorTables:
    """Ranges of minutes. Blocks. Raises DatabaseAway."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._turn = threading.Lock()
        self._database: Database | None = None

    def counted(self, from_ms: int, to_ms: int) -> Counted | None:
        """What was counted from ``from_ms`` up to, not including, ``to_ms``; None before there are tables."""
        database = self._opened()
        if database is None:
            return None
        d, t, x = DECISIONS.c, TIMES.c, DEAD_LETTERS.c
        decisions = (
            select(
                d.minute_ms,
                d.action,
                d.currency,
                func.sum(d.count).label("count"),
                func.sum(d.amount_minor).label("amount_minor"),
            )
            .where(d.minute_ms >= from_ms, d.minute_ms < to_ms)
            .group_by(d.minute_ms, d.action, d.currency)
        )
        times = select(t.minute_ms, t.bin, t.count).where(
            t.minute_ms >= from_ms, t.minute_ms < to_ms, t.stage == "end_to_end"
        )
        letters = (
            select(x.reason, func.sum(x.count))
            .where(x.minute_ms >= from_ms, x.minute_ms < to_ms)
            .group_by(x.reason)
        )
        with database.reading() as connection:
            return Counted(
                decisions=[_minute(row) for row in connection.execute(decisions).mappings()],
                times=[TimedMinute(**row) for row in connection.execute(times).mappings()],
                dead_letters={reason: int(count) for reason, count in connection.execute(letters)},
                counted_until_ms=connection.scalar(select(func.max(d.minute_ms))),
            )

    def close(self) -> None:
        """Close every connection."""
        if self._database is not None:
            self._database.close()

    def _opened(self) -> Database | None:
        with self._turn:
            if self._database is None and self._is_there():
                found = Database.open(self._url)
                if not found.holds(DECISIONS):
                    found.close()
                    return None
                self._database = found
            return self._database

    def _is_there(self) -> bool:
        """SQLite would make an empty file of a missing one, and the monitor's start would find it."""
        is_file = self._url.get_backend_name() == "sqlite"
        return not is_file or Path(self._url.database or "").is_file()


def _minute(row: RowMapping) -> CountedMinute:
    """PostgreSQL sums whole numbers to decimals."""
    sums = {"count": int(row["count"]), "amount_minor": int(row["amount_minor"])}
    return CountedMinute(**dict(row) | sums)
