"""A real monitor as a child process, and what it left in its tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Final

from msgspec import Struct
from sqlalchemy import URL

from shared.bus.sync import KafkaLook
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import DecodeError, decode
from shared.contracts.decisions import Decision, Prediction
from shared.contracts.operations import DeadLetter
from shared.contracts.payments import Label
from shared.stores.database import Database, sqlite_url
from tests.support.monitor_records import Slow, slow_count, stored
from tests.support.service_process import ServiceProcess, wait_until

RECORDS: Final[dict[str, type[Struct]]] = {
    "decisions": Decision,
    "predictions": Prediction,
    "labels": Label,
    "dead-letters": DeadLetter,
}


@dataclass(slots=True)
class MonitorProcess(ServiceProcess):
    """Starts and ends monitors of one portfolio over one data folder."""

    service: ClassVar[str] = "monitor"
    defaults: ClassVar[dict[str, str]] = {"WRITE_EVERY_MS": "100"}

    @property
    def url(self) -> str | URL:
        """Where its tables are."""
        return self.settings.get("SQL_URL") or sqlite_url(self.data_dir / "sql" / "monitor.db")

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Its tables, to be read. Raises DatabaseAway."""
        found = Database.open(self.url)
        yield found
        found.close()

    def stored(self) -> Slow:
        """What its tables hold."""
        with self.database() as database:
            return stored(database)

    def on_topics(self) -> Slow:
        """The same, counted from the topics now, record by record."""
        found: list[tuple[Struct, int]] = []
        with KafkaLook(KafkaAddress(self.bootstrap)) as look:
            for name, kind in RECORDS.items():
                for taken in look.read_all([f"{self.portfolio}.{name}"]):
                    try:
                        found.append((decode(kind, taken.value or b""), taken.timestamp))
                    except DecodeError:
                        continue
        return slow_count(found)

    def wait_equal(self) -> None:
        """Until the tables hold what the topics do."""
        self.wait_reading()
        wanted = self.on_topics()
        wait_until(lambda: self.stored() == wanted, "the tables equal the topics", self.log)
