"""The monitor as a process on a real broker: its tables equal the topics, wherever it is killed."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL

from infra.local.kafka import KafkaServer
from shared.bus.sync import KafkaLook
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import decode, encode
from shared.contracts.operations import Status
from shared.contracts.topics import TOPICS
from tests.support.lake_messages import FakeMessage
from tests.support.monitor_process import MonitorProcess
from tests.support.monitor_records import dead_letter, some_decisions, some_labels, some_predictions
from tests.support.postgres import PostgresServer
from tests.support.service_process import produce, wait_until
from tests.support.topics import create_topics

COUNT = 300


@pytest.fixture
def monitor(kafka_server: KafkaServer, tmp_path: Path, database_url: URL) -> Iterator[MonitorProcess]:
    portfolio = f"mon{uuid4().hex[:8]}"
    create_topics(kafka_server.bootstrap, portfolio, *[card.name for card in TOPICS])
    url = database_url.render_as_string(hide_password=False)
    # The records are of 2023: after five seconds the monitor would forget their minutes.
    kept = {"SQL_URL": url, "KEEP_DAYS": "20000"}
    monitor = MonitorProcess(kafka_server.bootstrap, portfolio, tmp_path, kept)
    yield monitor
    monitor.stop(signal.SIGKILL)


def fill(monitor: MonitorProcess, seed: int, count: int = COUNT) -> None:
    """Records of every kind that is counted, on two partitions, poison among them."""
    bodies = {
        "decisions": [*map(encode, some_decisions(count, seed)), b"{}"],
        "predictions": [*map(encode, some_predictions(count, seed)), b"poison"],
        "labels": [*map(encode, some_labels(count // 3, seed)), b""],
        "dead-letters": [encode(dead_letter(i)) for i in range(count // 10)],
    }
    produce(
        monitor.bootstrap,
        [
            FakeMessage(f"{monitor.portfolio}.{topic}", i % 2, 0, raw)
            for topic, some in bodies.items()
            for i, raw in enumerate(some)
        ],
    )


def test_the_tables_equal_the_topics_and_offsets_are_shown(monitor: MonitorProcess) -> None:
    fill(monitor, 1)
    monitor.start()
    monitor.wait_equal()
    topic = f"{monitor.portfolio}.decisions"
    wait_until(lambda: monitor.shown(topic, 0) == COUNT // 2 + 1, "offsets shown to Kafka", monitor.log)
    fill(monitor, 2)
    monitor.wait_equal()
    assert monitor.stop() == 0
    assert monitor.stored() == monitor.on_topics()


@pytest.mark.parametrize(
    ("database_url", "place"),
    [
        ("sqlite", "before_write"),
        ("sqlite", "before_offsets"),
        ("sqlite", "before_commit"),
        ("sqlite", "after_commit"),
        ("postgresql", "before_commit"),
    ],
    indirect=["database_url"],
)
def test_killed_anywhere_nothing_is_counted_twice_or_left_out(monitor: MonitorProcess, place: str) -> None:
    fill(monitor, 0)
    monitor.start(crash_at=f"monitor.{place}:2")
    for seed in range(1, 5):
        if monitor.runs():
            fill(monitor, seed)
            monitor.wait_a_share()
    assert monitor.wait_dead() == -signal.SIGKILL
    fill(monitor, 9)
    assert monitor.stored() != monitor.on_topics()
    monitor.start()
    monitor.wait_equal()
    assert monitor.stop() == 0
    assert monitor.stored() == monitor.on_topics()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_killed_at_random_under_traffic(monitor: MonitorProcess) -> None:
    for seed in range(3):
        monitor.start()
        fill(monitor, seed)
        monitor.wait_reading(seed + 1)
        fill(monitor, seed + 10)
        monitor.stop(signal.SIGKILL)
    monitor.start()
    monitor.wait_equal()
    assert monitor.stop() == 0


def says_it_waits(monitor: MonitorProcess, since_ms: int) -> bool:
    """Whether the monitor has said on ``status`` that its database takes nothing."""
    with KafkaLook(KafkaAddress(monitor.bootstrap)) as look:
        told = [decode(Status, taken.value or b"") for taken in look.read_all(["status"])]
    mine = [one for one in told if one.portfolio == monitor.portfolio and one.at_ms >= since_ms]
    return any(one.state == "waiting" and "database" in one.detail for one in mine)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_a_database_away_and_back_is_told_and_counts_nothing_twice(
    monitor: MonitorProcess, postgres_server: PostgresServer, ending: signal.Signals
) -> None:
    fill(monitor, 1)
    monitor.start()
    monitor.wait_equal()
    fill(monitor, 2)
    since_ms = int(time.time() * 1_000)
    postgres_server.stop(ending)
    try:
        fill(monitor, 3)
        wait_until(lambda: says_it_waits(monitor, since_ms), "told that it waits", monitor.log)
    finally:
        postgres_server.start()
    monitor.wait_equal()
    fill(monitor, 4)
    monitor.wait_equal()
    assert monitor.stop() == 0
    assert monitor.stored() == monitor.on_topics()


def test_a_missing_topic_is_one_clear_sentence(kafka_server: KafkaServer, tmp_path: Path) -> None:
    monitor = MonitorProcess(kafka_server.bootstrap, f"none{uuid4().hex[:8]}", tmp_path)
    monitor.start()
    assert monitor.wait_dead() == 1
    assert "make it with: assay topics apply" in monitor.log()
