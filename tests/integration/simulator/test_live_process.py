"""The real process against a real broker: it plays, says so, and stops when told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from kafka import KafkaConsumer

from infra.kafka.broker import apply
from infra.kafka.topics import wanted_topics
from infra.local.kafka import KafkaServer
from shared.bus.ports import Place
from shared.bus.sync import produce_confirmed
from shared.contracts.codec import decode, decode_activity, decode_label, decode_transaction, encode
from shared.contracts.operations import ScenarioRequest, Status

ROOT = Path(__file__).parents[3]
WAIT_MS = 20_000


@pytest.fixture
def portfolio(kafka_server: KafkaServer) -> str:
    """A portfolio of this test's own, with its topics."""
    name = f"p{uuid.uuid4().hex[:8]}"
    apply(kafka_server.address, wanted_topics([name]))
    return name


@pytest.fixture
def simulator(kafka_server: KafkaServer, portfolio: str) -> Iterator[subprocess.Popen[bytes]]:
    """The process, fast labels, stopped at the end whatever happens."""
    settings = {
        "KAFKA": kafka_server.bootstrap,
        "PORTFOLIO": portfolio,
        "SIMULATOR_RATE_PER_S": "300",
        "SIMULATOR_SPEED": "2000000",
        "SIMULATOR_ACCOUNTS": "2000",
        "SIMULATOR_MERCHANTS": "100",
    }
    environment = {**os.environ, **{f"ASSAY_{name}": value for name, value in settings.items()}}
    process = subprocess.Popen(
        [sys.executable, "-m", "services.simulator"], cwd=ROOT, env=environment, stderr=subprocess.PIPE
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def read(bootstrap: str, topic: str, count: int, wait_ms: int = WAIT_MS) -> list[Any]:
    """The first ``count`` messages of a topic."""
    consumer = KafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=wait_ms
    )
    try:
        return list(islice(consumer, count))
    finally:
        consumer.close()


def test_it_plays_and_stops(
    kafka_server: KafkaServer, portfolio: str, simulator: subprocess.Popen[bytes]
) -> None:
    payments = read(kafka_server.bootstrap, f"{portfolio}.transactions", 600)
    activities = read(kafka_server.bootstrap, f"{portfolio}.activities", 100)
    labels = read(kafka_server.bootstrap, f"{portfolio}.labels", 3)
    simulator.send_signal(signal.SIGTERM)
    _, said = simulator.communicate(timeout=20)
    assert simulator.returncode == 0, said.decode()
    assert b'"event":"stopped"' in said.replace(b": ", b":")

    records = [decode_transaction(message.value) for message in payments]
    assert len({record.tx_id for record in records}) == 600
    assert all(m.key == r.account_id.encode() for m, r in zip(payments, records, strict=True))
    assert len(Counter(message.partition for message in payments)) == 4
    assert len({decode_activity(message.value).activity_id for message in activities}) == 100
    assert all(m.key == decode_activity(m.value).account_id.encode() for m in activities)
    assert len([decode_label(message.value) for message in labels]) == 3


def test_it_tells_its_status(
    kafka_server: KafkaServer, portfolio: str, simulator: subprocess.Popen[bytes]
) -> None:
    read(kafka_server.bootstrap, f"{portfolio}.transactions", 300)
    simulator.send_signal(signal.SIGTERM)
    simulator.communicate(timeout=20)
    messages = status_of(kafka_server, portfolio)
    assert messages[0].state == "starting"
    assert messages[-1].state == "stopping"
    assert messages[-1].handled >= 300


def test_a_caller_falls_silent_when_asked(
    kafka_server: KafkaServer, portfolio: str, simulator: subprocess.Popen[bytes]
) -> None:
    read(kafka_server.bootstrap, f"{portfolio}.transactions", 900)
    request = ScenarioRequest(
        v=1,
        request_id="r1",
        portfolio=portfolio,
        kind="silent",
        seconds=60,
        at_ms=1_785_000_000_000,
        by="test",
        caller="acquirer",
    )
    place = Place(f"{portfolio}.requests", 0)
    produce_confirmed(kafka_server.address, place, b"scenario", encode(request))
    said = disturbed(kafka_server, portfolio)
    sleep(4)  # traffic that was drawn before the request is over by then
    simulator.send_signal(signal.SIGTERM)
    simulator.communicate(timeout=20)
    assert said.detail == "silent: acquirer"
    assert said.numbers["scenario_left_s"] > 40
    sent = read(kafka_server.bootstrap, f"{portfolio}.transactions", 1_000_000, 3_000)
    callers = [decode_transaction(m.value).caller for m in sent if m.timestamp > said.at_ms + 1_500]
    assert callers
    assert "acquirer" not in callers


def disturbed(kafka_server: KafkaServer, portfolio: str) -> Status:
    """The first status that names a scenario, waited for."""
    consumer = KafkaConsumer("status", bootstrap_servers=kafka_server.bootstrap, auto_offset_reset="earliest")
    until = monotonic() + 40
    try:
        while monotonic() < until:
            for messages in consumer.poll(500).values():
                words = [decode(Status, message.value) for message in messages]
                for word in words:
                    if word.portfolio == portfolio and word.detail:
                        return word
    finally:
        consumer.close()
    raise AssertionError("no status names a scenario")


def status_of(kafka_server: KafkaServer, portfolio: str) -> list[Status]:
    """The status records of one portfolio's simulator, oldest first."""
    consumer = KafkaConsumer(
        "status",
        bootstrap_servers=kafka_server.bootstrap,
        auto_offset_reset="earliest",
        consumer_timeout_ms=2_000,
    )
    try:
        found = [decode(Status, message.value) for message in consumer]
    finally:
        consumer.close()
    return [status for status in found if status.portfolio == portfolio]


def test_without_a_broker_it_ends_with_1() -> None:
    command = [sys.executable, "-m", "services.simulator"]
    environment = {**os.environ, "ASSAY_KAFKA": "127.0.0.1:9"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=60)
    assert ended.returncode == 1
    assert b"kafka_away" in ended.stderr
