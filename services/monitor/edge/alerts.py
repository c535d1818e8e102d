"""The state of every rule and subject: told on the topic first, then kept; the kept one decides after a
restart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from services.monitor.core.hysteresis import CALM, Standing, step
from services.monitor.core.readings import Reading
from shared.bus.ports import Outgoing, Place, Producer
from shared.contracts.alert_rules import rule
from shared.contracts.codec import encode
from shared.contracts.operations import Alert
from shared.stores.database import Database
from shared.stores.monitor_tables import ALERTS

from .tables import fit, replacing

AT_BEFORE_KEPT: Final = "monitor.before_alert_kept"
DETAIL_LIMIT: Final = 256

Subject = tuple[str, str]
"""Rule and subject."""


@dataclass(frozen=True, slots=True)
class Row:
    """A subject's row; ``state`` is "firing" or "cleared", ``since_ms`` when it became so."""

    rule: str
    subject: str
    state: str
    since_ms: int
    at_ms: int
    value: float
    limit: float
    detail: str


class AlertBook:
    """What fires. Made by `open`. Used by one task at a time; `open` and `keep` block.

    An alert is on the topic before its state is kept: killed between the two it is told again.
    """

    def __init__(
        self, database: Database, producer: Producer, place: Place, reach: Callable[[str], None]
    ) -> None:
        self._database = database
        self._producer = producer
        self._place = place
        self._reach = reach
        self._standing: dict[Subject, Standing] = {}
        self._since_ms: dict[Subject, int] = {}

    @classmethod
    def open(
        cls, database: Database, producer: Producer, place: Place, reach: Callable[[str], None]
    ) -> AlertBook:
        """The book with the states that were kept. Raises DatabaseAway."""
        book = cls(database, producer, place, reach)
        with database.reading() as sql:
            for row in sql.execute(ALERTS.select()):
                book._standing[row.rule, row.subject] = Standing(row.state == "firing")
                book._since_ms[row.rule, row.subject] = row.since_ms
        return book

    def firing(self, name: str | None = None) -> list[Subject]:
        """Every rule and subject that fires, or those of the rule ``name``."""
        found = [key for key, standing in self._standing.items() if standing.firing]
        return sorted(key for key in found if name in (None, key[0]))

    def judge(self, readings: Iterable[Reading], now_ms: int) -> tuple[list[Alert], list[Row]]:
        """What changed, to be told, and the rows to be kept: those and whatever goes on firing."""
        told, rows = [], []
        for reading in readings:
            reading = _fitting(reading)
            key = (reading.rule, reading.subject)
            before = self._standing.get(key, CALM)
            after = self._standing[key] = step(rule(reading.rule), before, reading.value)
            if after.firing != before.firing:
                self._since_ms[key] = now_ms
                told.append(_alert(reading, after.firing, now_ms))
            if after.firing or before.firing:
                rows.append(_row(reading, after.firing, self._since_ms[key], now_ms))
        return told, rows

    async def tell(self, alerts: list[Alert]) -> None:
        """Put them on the topic, confirmed. Raises LogAway."""
        if alerts:
            records = [Outgoing(alert.rule.encode(), encode(alert)) for alert in alerts]
            await (await self._producer.send(self._place, records))
            self._reach(AT_BEFORE_KEPT)

    def keep(self, rows: list[Row]) -> None:
        """Write the rows. Raises DatabaseAway."""
        if rows:
            with self._database.writing() as sql:
                sql.execute(replacing(sql.dialect.name, ALERTS), [_bound(row) for row in rows])


def _fitting(reading: Reading) -> Reading:
    return reading._replace(
        subject=str(fit(ALERTS.c.subject, reading.subject)), detail=reading.detail[:DETAIL_LIMIT]
    )


def _alert(reading: Reading, firing: bool, now_ms: int) -> Alert:
    return Alert(
        v=1,
        rule=reading.rule,
        state="firing" if firing else "cleared",
        at_ms=now_ms,
        value=reading.value,
        limit=_limit(reading, firing),
        subject=reading.subject,
        detail=reading.detail,
    )


def _row(reading: Reading, firing: bool, since_ms: int, now_ms: int) -> Row:
    return Row(
        reading.rule,
        reading.subject,
        "firing" if firing else "cleared",
        since_ms,
        now_ms,
        reading.value,
        _limit(reading, firing),
        reading.detail,
    )


def _bound(row: Row) -> dict[str, str | int | float]:
    return {name: getattr(row, name) for name in Row.__slots__}


def _limit(reading: Reading, firing: bool) -> float:
    """The limit that was passed: the upper one on the way up."""
    return rule(reading.rule).on if firing else rule(reading.rule).off
