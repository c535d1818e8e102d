"""A service as a child process on a real broker, killed by its own id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from tests.support.lake_messages import FakeMessage

WAIT_S = 90.0


@dataclass(slots=True)
class ServiceProcess:
    """Starts and ends processes of one service and portfolio over one data folder."""

    service: ClassVar[str]
    defaults: ClassVar[dict[str, str]] = {}

    bootstrap: str
    portfolio: str
    data_dir: Path
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self, crash_at: str = "", **settings: str) -> None:
        """Start a process; it does not wait until it is ready."""
        given = {
            "KAFKA": self.bootstrap,
            "PORTFOLIO": self.portfolio,
            "DATA_DIR": str(self.data_dir),
            **({"CRASH_AT": crash_at} if crash_at else {}),
            **self.defaults,
            **self.settings,
            **settings,
        }
        prefix = f"ASSAY_{self.service.upper()}_"
        environment = {**os.environ, **{f"{prefix}{name}": value for name, value in given.items()}}
        with self._log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"services.{self.service}"],
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

    def shown(self, topic: str, partition: int) -> int | None:
        """The offset committed to Kafka for the group."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=f"{self.portfolio}.{self.service}"
        )
        try:
            found: int | None = consumer.committed(TopicPartition(topic, partition))
            return found
        finally:
            consumer.close()

    def log(self) -> str:
        """The end of its log."""
        return self._log_file.read_text()[-3_000:]

    @property
    def _log_file(self) -> Path:
        return self.data_dir / f"{self.service}.log"


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
