"""Looks at the rules again and again, tells what changed, and forgets old minutes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from mode import Service

from services.monitor.core.readings import Reading, read_all
from services.monitor.core.windows import drift_readings
from shared.bus.ports import LogAway, Producer
from shared.contracts.operations import Alert
from shared.runtime.clock import Clock
from shared.runtime.logs import get_logger
from shared.runtime.patience import Patience
from shared.stores.database import DatabaseAway

from .alerts import AlertBook, Row
from .history import History
from .pump import Pump
from .statuses import Statuses

log = get_logger("monitor.judge")

BEHIND_AT_MOST: Final = 20_000
"""Further behind, the last minutes are not counted yet, and who seems silent may have spoken."""
FORGET_EVERY_MS: Final = 3_600_000
WINDOWS_AGAIN: Final = 4
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class JudgeParts:
    """What the judge is made of; ``open_book`` and ``open_history`` block."""

    pump: Pump
    statuses: Statuses
    producer: Producer
    open_history: Callable[[], History]
    open_book: Callable[[], AlertBook]
    clock: Clock
    beat: Callable[[], None]
    instance: str
    every_ms: int
    usual_after_ms: int
    keep_days: int
    window_ms: int
    retry_max_ms: int


class Judge(Service):
    """Judges when the counts are fresh; else it waits for them."""

    def __init__(self, parts: JudgeParts, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._parts = parts
        self._patience = Patience(DatabaseAway, parts.beat, parts.retry_max_ms, log, "database_away")
        self._forgot_ms = 0
        self._drift_seen_ms = 0
        self.book: AlertBook | None = None
        self.untold = 0

    async def on_start(self) -> None:
        """Connect. Raises LogAway."""
        await self._parts.producer.start()

    async def on_stop(self) -> None:
        """Disconnect."""
        await self._parts.producer.stop()

    @Service.task
    async def _run(self) -> None:
        parts = self._parts
        history = await self._patience.until_done(self, parts.open_history)
        book = await self._patience.until_done(self, parts.open_book)
        if history is None or book is None:
            return
        self.book = book
        while not self.should_stop:
            parts.beat()
            if parts.pump.behind is not None and parts.pump.behind <= BEHIND_AT_MOST:
                await self._look(history, book)
            await self.sleep(parts.every_ms / 1000)

    async def _look(self, history: History, book: AlertBook) -> None:
        now_ms = self._parts.clock.now_ms()
        await self._forget(now_ms)
        readings = await self._patience.until_done(self, lambda: self._read(history, book, now_ms))
        if readings is None:
            return
        told, rows = book.judge(readings, now_ms)
        if await self._tell(book, told):
            await self._patience.until_done(self, lambda: _kept(book, rows))

    async def _tell(self, book: AlertBook, told: list[Alert]) -> bool:
        """Until Kafka has them; False: we are stopping, and after a restart they are judged again."""
        while True:
            try:
                await book.tell(told)
            except LogAway as error:
                self.untold += 1
                log.warning("alert_not_told", detail=str(error), wait_ms=self._parts.every_ms)
            else:
                break
            if self.should_stop:
                return False
            self._parts.beat()
            await self.sleep(self._parts.every_ms / 1000)
        for alert in told:
            log.warning(
                "alert", rule=alert.rule, subject=alert.subject, state=alert.state, detail=alert.detail
            )
        return True

    def _read(self, history: History, book: AlertBook, now_ms: int) -> list[Reading]:
        history.keep_usual(now_ms)
        others = [s for s in self._parts.statuses.known(now_ms) if (s.service, s.instance) != self._myself]
        known = [subject for _, subject in book.firing("new_refusal")]
        now = read_all(history.lately(now_ms), others, known, self._parts.usual_after_ms, now_ms)
        return [*self._drift(history, now_ms), *now]

    def _drift(self, history: History, now_ms: int) -> list[Reading]:
        """Of each window that closed since the last look; after a start the last few again, as rules
        count."""
        if not self._drift_seen_ms:
            self._drift_seen_ms = now_ms - WINDOWS_AGAIN * self._parts.window_ms
        rows = history.windows(self._drift_seen_ms)
        self._drift_seen_ms = max([self._drift_seen_ms, *(row.window_ms for row in rows)])
        return list(drift_readings(rows))

    @property
    def _myself(self) -> tuple[str, str]:
        return ("monitor", self._parts.instance)

    async def _forget(self, now_ms: int) -> None:
        tables = self._parts.pump.tables
        if tables is not None and now_ms - self._forgot_ms >= FORGET_EVERY_MS:
            self._forgot_ms = now_ms
            before_ms = now_ms - self._parts.keep_days * DAY_MS
            await self._patience.until_done(self, lambda: tables.forget(before_ms))


def _kept(book: AlertBook, rows: list[Row]) -> bool:
    book.keep(rows)
    return True
