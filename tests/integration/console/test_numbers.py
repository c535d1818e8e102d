"""Every number of the screens is the lake's, also after a kill, on real processes; a false one is told."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec.structs import replace
from sqlalchemy import update

from infra.local.kafka import KafkaServer
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import encode
from shared.contracts.decisions import Flagged
from shared.contracts.topics import TOPICS
from shared.stores.monitor_tables import DECISIONS
from tests.bench.numbers.compare import House, Pair, compared
from tests.bench.numbers.shown import Screens
from tests.support.archiver_process import ArchiverProcess
from tests.support.console_process import PASSWORD, USER, ConsoleProcess
from tests.support.lake_messages import FakeMessage
from tests.support.monitor_process import MonitorProcess
from tests.support.monitor_records import dead_letter, some_decisions, some_labels, some_predictions
from tests.support.service_process import produce
from tests.support.topics import create_topics

COUNT = 400
AGO_MS = 600_000
LOOKED_AT = {"review", "challenge", "decline"}


@dataclass
class SmallHouse:
    """Monitor, archiver and console over one folder."""

    monitor: MonitorProcess
    archiver: ArchiverProcess
    console: ConsoleProcess

    def fill(self, seed: int) -> None:
        """Records of the last ten minutes of every kind; some decisions twice, poison among all."""
        start_ms = time.time_ns() // 1_000_000 - AGO_MS
        decisions = [
            replace(found, tx_id=f"tx-{seed}-{number}", portfolio=self.monitor.portfolio)
            for number, found in enumerate(some_decisions(COUNT, seed, start_ms))
        ]
        flagged = [Flagged(v=1, decision=d, features=[]) for d in decisions if d.action in LOOKED_AT]
        bodies = {
            "decisions": [*map(encode, [*decisions, *decisions[:20]]), b"{}"],
            "flagged": [*map(encode, flagged)],
            "predictions": [*map(encode, some_predictions(COUNT, seed)), b"poison"],
            "labels": [*map(encode, some_labels(COUNT // 4, seed, start_ms)), b"[]"],
            "dead-letters": [encode(dead_letter(i, at_ms=start_ms + i * 1_000)) for i in range(COUNT // 10)],
        }
        produce(
            self.monitor.bootstrap,
            [
                FakeMessage(f"{self.monitor.portfolio}.{topic}", i % 2, 0, raw)
                for topic, some in bodies.items()
                for i, raw in enumerate(some)
            ],
        )

    def numbers(self) -> list[Pair]:
        """All of them, of the last half hour."""
        house = House(
            data_dir=self.monitor.data_dir,
            portfolio=self.monitor.portfolio,
            kafka=KafkaAddress(self.monitor.bootstrap),
        )
        with Screens(self.console.url, USER, PASSWORD) as screens:
            return compared(screens, house, "30m")[1]


@pytest.fixture
def house(kafka_server: KafkaServer, tmp_path: Path) -> Iterator[SmallHouse]:
    portfolio = f"num{uuid4().hex[:8]}"
    create_topics(kafka_server.bootstrap, portfolio, *[card.name for card in TOPICS])
    where = (kafka_server.bootstrap, portfolio, tmp_path)
    made = SmallHouse(MonitorProcess(*where), ArchiverProcess(*where), ConsoleProcess(*where))
    made.monitor.start()
    made.archiver.start()
    made.console.begin()
    yield made
    for process in (made.monitor, made.archiver, made.console):
        process.stop(signal.SIGKILL)


def different(found: list[Pair]) -> list[Pair]:
    return [pair for pair in found if not pair.is_equal]


def value_of(found: list[Pair], name: str) -> object:
    return next(pair.shown for pair in found if pair.name == name)


def test_every_number_is_the_lakes_also_after_a_kill_and_a_false_one_is_told(house: SmallHouse) -> None:
    house.fill(1)
    found = house.numbers()
    assert different(found) == []
    assert value_of(found, "decisions") == COUNT + 20
    assert value_of(found, "dead letters: not_json") == COUNT // 10
    assert value_of(found, "case most at risk") is not None
    assert len([pair for pair in found if pair.where == "overview"]) >= 20

    house.monitor.stop(signal.SIGKILL)
    house.console.stop(signal.SIGKILL)
    house.fill(2)
    house.monitor.start()
    house.console.begin()
    found = house.numbers()
    assert different(found) == []
    assert value_of(found, "decisions") == 2 * (COUNT + 20)

    house.monitor.stop()
    with house.monitor.database() as database, database.writing() as sql:
        sql.execute(
            update(DECISIONS).where(DECISIONS.c.action == "decline").values(count=DECISIONS.c.count + 1)
        )
    assert "decisions" in {pair.name for pair in different(house.numbers())}
