"""A real archiver as a child process, killed by its own id, and what it left in the lake."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from shared.stores.lake_scan import LakeScan
from tests.support.lake_messages import FakeMessage

WAIT_S = 40.0


@dataclass(slots=True)
class ArchiverProcess:
    """Starts and ends archivers of one portfolio over one data folder."""

    bootstrap: str
    portfolio: str
    data_dir: Path
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def scan(self) -> LakeScan:
        """The lake as it is now."""
        return LakeScan(self.data_dir / "lake")

    def start(self, crash_at: str = "", **settings: str) -> None:
        """Start a process; it does not wait until it is ready."""
        given = {
            "KAFKA": self.bootstrap,
            "PORTFOLIO": self.portfolio,
            "DATA_DIR": str(self.data_dir),
            "WRITE_EVERY_MS": "100",
            "CRASH_AT": crash_at,
            **self.settings,
            **settings,
        }
        environment = {**os.environ, **{f"ASSAY_ARCHIVER_{name}": value for name, value in given.items()}}
        with (self.data_dir / "archiver.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.archiver"],
                env=environment,
                stderr=log,
                cwd=Path(__file__).parents[2],
            )

    def wait_dead(self) -> int:
        """The exit code; negative is a signal."""
        assert self.process is not None
        code = self.process.wait(WAIT_S)
        self.process = None
        return code

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int | None:
        """End it, if it runs."""
        if self.process is None:
            return None
        self.process.send_signal(number)
        return self.wait_dead()

    def runs(self) -> bool:
        """Whether the process is there."""
        return self.process is not None and self.process.poll() is None

    def wait_a_share(self) -> None:
        """Time to take and write what was sent, or until the process is gone."""
        end = time.monotonic() + 3.0
        while self.runs() and time.monotonic() < end:
            time.sleep(0.05)

    def wait_reading(self, starts: int = 1) -> None:
        """Until the process has taken its partitions, for the ``starts``-th time over this folder."""
        wait_until(lambda: self.log().count('"reading"') >= starts, "reading", self.log)

    def wait_for_rows(self, table: str, rows: int) -> None:
        """Until ``table`` holds at least ``rows`` rows of the portfolio, refused ones included."""
        wait_until(lambda: self.count(table) >= rows, f"{rows} rows in {table}", self.log)

    def count(self, table: str) -> int:
        """Good and refused rows."""
        good = self.scan.rows(table, self.portfolio, columns=["offset"]).height
        return good + self.scan.refused(table, self.portfolio).height

    def offsets(self, table: str) -> list[tuple[int, int]]:
        """(partition, offset) of every row, sorted."""
        names = ["partition", "offset"]
        good = self.scan.rows(table, self.portfolio, columns=names)
        return sorted([*good.rows(), *self.scan.refused(table, self.portfolio).select(names).rows()])

    def shown(self, topic: str, partition: int) -> int | None:
        """The offset committed to Kafka for the group."""
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap, group_id=f"{self.portfolio}.archiver")
        try:
            found: int | None = consumer.committed(TopicPartition(topic, partition))
            return found
        finally:
            consumer.close()

    def log(self) -> str:
        """The end of its log."""
        return (self.data_dir / "archiver.log").read_text()[-3_000:]


def wait_until(holds: Callable[[], bool], what: str, detail: Callable[[], str] = str) -> None:
    """Until ``holds``. Raises AssertionError after `WAIT_S`."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError(f"not within {WAIT_S:.0f} s: {what}\n{detail()}")


def produce(bootstrap: str, messages: Sequence[FakeMessage]) -> None:
    """Send ``messages`` to their topics and partitions, confirmed."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=5, max_request_size=2**24)
    try:
        sent = [
            producer.send(m.topic, value=m.value, partition=m.partition, headers=list(m.headers))
            for m in messages
        ]
        for one in sent:
            one.get(timeout=WAIT_S)
    finally:
        producer.close()
