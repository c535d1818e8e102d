"""The archiver as a process on a real broker: everything once, wherever it is killed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from deltalake import DeltaTable
from kafka import KafkaConsumer, TopicPartition

from infra.local.kafka import KafkaServer
from shared.contracts import headers
from shared.contracts.codec import decode, encode
from shared.contracts.operations import Status
from shared.contracts.topics import TOPICS
from shared.stores.lake_read import LakeReader
from tests.support.archiver_process import ArchiverProcess
from tests.support.lake_messages import (
    FakeMessage,
    capture_body,
    decision,
    label,
    log_of,
    prediction,
    transaction,
)
from tests.support.service_process import produce, wait_until
from tests.support.topics import create_topics

COUNT = 300
TABLES = ("transactions", "labels", "decisions", "predictions")


@pytest.fixture
def archiver(kafka_server: KafkaServer, tmp_path: Path) -> Iterator[ArchiverProcess]:
    portfolio = f"lake{uuid4().hex[:8]}"
    create_topics(kafka_server.bootstrap, portfolio, *[card.name for card in TOPICS])
    archiver = ArchiverProcess(kafka_server.bootstrap, portfolio, tmp_path)
    yield archiver
    archiver.stop(signal.SIGKILL)


def fill(archiver: ArchiverProcess, start: int = 0, stop: int = COUNT) -> None:
    """Payments, labels, decisions, predictions and captures ``start`` to ``stop`` on two partitions."""
    make = {"transactions": transaction, "labels": label, "decisions": decision, "predictions": prediction}
    messages: list[FakeMessage] = []
    for topic, record in make.items():
        for partition in (0, 1):
            records = [encode(record(i)) for i in range(start + partition, stop, 2)]  # type: ignore[operator]
            messages += log_of(f"{archiver.portfolio}.{topic}", records, partition)
    for partition in (0, 1):
        bodies = [capture_body(range(i, min(i + 20, stop), 2)) for i in range(start + partition, stop, 20)]
        messages += log_of(f"{archiver.portfolio}.captures", bodies, partition)
    produce(archiver.bootstrap, messages)


def each_once(archiver: ArchiverProcess, count: int = COUNT) -> bool:
    """Whether every message stands in the lake once; fails at once if one stands twice."""
    wanted = [(partition, offset) for partition in (0, 1) for offset in range(count // 2)]
    complete = True
    for table in TABLES:
        found = archiver.offsets(table)
        assert len(found) == len(set(found)), f"{table} holds rows twice"
        complete = complete and found == wanted
    captured = archiver.scan.rows("captures", archiver.portfolio, columns=["partition", "offset", "row"])
    assert captured.height == captured.unique().height, "captures hold rows twice"
    return complete and captured.height == count


def wait_each_once(archiver: ArchiverProcess, count: int = COUNT) -> None:
    wait_until(lambda: each_once(archiver, count), "every row once", archiver.log)


def test_everything_is_archived_and_shown(archiver: ArchiverProcess) -> None:
    fill(archiver)
    archiver.start()
    wait_each_once(archiver)
    topic = f"{archiver.portfolio}.decisions"
    wait_until(lambda: archiver.shown(topic, 0) == COUNT // 2, "offsets shown to Kafka", archiver.log)
    reader = LakeReader(archiver.data_dir / "lake")
    found = reader.scan.find("decisions", archiver.portfolio, decision(17).decision_id).row(0, named=True)
    assert (found["partition"], found["topic"]) == (1, topic)
    assert reader.captures_wide(archiver.portfolio, ("a", "b", "c")).height == COUNT
    assert archiver.stop() == 0
    assert each_once(archiver)


@pytest.mark.parametrize(
    "place",
    [
        "archiver.before_write",
        "archiver.before_lake_commit",
        "archiver.after_lake_commit",
        "archiver.before_kafka_commit",
    ],
)
def test_killed_anywhere_nothing_is_doubled_or_lost(archiver: ArchiverProcess, place: str) -> None:
    fill(archiver, 0, 50)
    archiver.start(crash_at=f"{place}:2")
    filled = 50
    while archiver.runs() and filled < COUNT - 50:
        fill(archiver, filled, filled + 50)
        filled += 50
        archiver.wait_a_share()
    assert archiver.wait_dead() == -signal.SIGKILL
    fill(archiver, filled, COUNT)
    archiver.start()
    wait_each_once(archiver)
    assert archiver.stop() == 0
    assert each_once(archiver)


def test_files_of_a_killed_write_are_invisible(archiver: ArchiverProcess) -> None:
    fill(archiver)
    archiver.start(crash_at="archiver.before_lake_commit", WRITE_EVERY_MS="2000")
    assert archiver.wait_dead() == -signal.SIGKILL
    assert list((archiver.data_dir / "lake").rglob("part*.parquet")) == []
    assert list((archiver.data_dir / "lake").rglob("*.parquet"))
    assert sum(archiver.count(table) for table in (*TABLES, "captures")) == 0


def test_stopped_and_started_under_traffic(archiver: ArchiverProcess) -> None:
    for part in range(3):
        archiver.start()
        archiver.wait_reading(part + 1)
        fill(archiver, part * 100, part * 100 + 100)
        assert archiver.stop() == 0
    archiver.start()
    wait_each_once(archiver)


def test_poison_ticks_and_duplicates(archiver: ArchiverProcess) -> None:
    topic = f"{archiver.portfolio}.transactions"
    raw = encode(transaction(1))
    tick = ((headers.LOAD, b"load-1"), (headers.TICK, b"1700000000000"))
    values = [raw, b"\xff poison", b"", raw, b"{}"]
    messages = [
        FakeMessage(topic, 0, i, value, headers=tick if not value else ()) for i, value in enumerate(values)
    ]
    again = [encode(decision(1)), encode(decision(1, score=0.9))]
    produce(archiver.bootstrap, [*messages, *log_of(f"{archiver.portfolio}.decisions", again)])
    archiver.start()
    archiver.wait_for_rows("transactions", 4)
    archiver.wait_for_rows("decisions", 2)
    assert archiver.offsets("transactions") == [(0, 0), (0, 1), (0, 3), (0, 4)]
    refused = archiver.scan.refused("transactions", archiver.portfolio).sort("offset")
    assert refused["raw_bytes"].to_list() == [b"\xff poison", b"{}"]
    reader = LakeReader(archiver.data_dir / "lake")
    assert reader.transactions(archiver.portfolio).height == 1
    assert reader.decisions(archiver.portfolio)["score"].to_list() == [0.25]
    wait_until(lambda: archiver.shown(topic, 0) == 5, "the tick is passed", archiver.log)


def test_compaction_beside_traffic_keeps_every_row(archiver: ArchiverProcess) -> None:
    archiver.start(WRITE_ROWS="10", WRITE_EVERY_MS="10", COMPACT_EVERY_MS="50", QUIET_DAY_MS="0")
    for part in range(6):
        fill(archiver, part * 50, part * 50 + 50)
    wait_each_once(archiver)
    folder = archiver.data_dir / "lake" / "decisions"

    def files() -> int:
        return len(DeltaTable(str(folder)).file_uris())

    wait_until(lambda: files() == 1, "one file for the quiet day", archiver.log)
    assert each_once(archiver)
    assert archiver.stop() == 0


def test_a_lake_that_takes_nothing_stops_nothing_for_good(archiver: ArchiverProcess) -> None:
    fill(archiver, 0, 100)
    lake = archiver.data_dir / "lake"
    lake.write_bytes(b"a file where the folder should be")
    archiver.start(RETRY_MAX_MS="300")
    wait_until(lambda: _state_of(archiver) == "waiting", "status waiting", archiver.log)
    fill(archiver, 100, COUNT)
    lake.unlink()
    wait_each_once(archiver)
    wait_until(lambda: _state_of(archiver) == "ready", "status ready", archiver.log)


def test_a_missing_topic_is_one_clear_sentence(kafka_server: KafkaServer, tmp_path: Path) -> None:
    archiver = ArchiverProcess(kafka_server.bootstrap, f"none{uuid4().hex[:8]}", tmp_path)
    archiver.start()
    assert archiver.wait_dead() == 1
    assert "make it with: assay topics apply" in archiver.log()


def _state_of(archiver: ArchiverProcess) -> str:
    consumer = KafkaConsumer(bootstrap_servers=archiver.bootstrap, enable_auto_commit=False)
    try:
        place = TopicPartition("status", 0)
        consumer.assign([place])
        end = consumer.end_offsets([place])[place]
        consumer.seek(place, max(0, end - 20))
        found = [record for batch in consumer.poll(1_000).values() for record in batch]
    finally:
        consumer.close()
    states = [decode(Status, record.value) for record in found]
    mine = [status.state for status in states if status.portfolio == archiver.portfolio]
    return mine[-1] if mine else ""
